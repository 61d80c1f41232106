import { beforeEach, describe, expect, it } from "vitest";
import { keys } from "../../src/core/state/keys.ts";
import { platformPartition } from "../../src/handlers/registries.ts";
import { runOf, stored, trackOf } from "../core/state/rows-of.ts";
import { ApiWorld, type Asked } from "./api-world.ts";

let world: ApiWorld;
beforeEach(async () => {
  world = new ApiWorld();
  await world.store([runOf()]);
  await world.put(await world.partition(), stored([trackOf("web")]));
});
const post = (path: string, asked: Asked = {}) => world.ask("POST", path, asked);

describe("a request to change something", () => {
  it.each(["cancel", "retry"] as const)("%s is stored for the next pass before it is answered 202", async (action) => {
    const answer = await post(`runs/acme-12/${action}`);
    expect(answer.status).toBe(202);
    const [word] = await world.words();
    expect(word).toEqual({
      kind: `${action}-requested`,
      id: answer.json.id,
      run: "acme-12",
      cause: { kind: "request", id: answer.json.id, action, at: "2026-11-23T12:00:00.000Z" },
    });
    expect(answer.json.decision).toBe(`decisions/${answer.json.id}`);
    expect(world.sentTo("registries")).toHaveLength(1);
  });

  it("about a run that is none is 404 and leaves nothing", async () => {
    expect((await post("runs/acme-99/cancel")).status).toBe(404);
    expect(await world.words()).toEqual([]);
  });
});

describe("an Idempotency-Key", () => {
  const headers = { "idempotency-key": "deploy-42" };

  it("makes a request the same however often it is sent", async () => {
    const first = await post("runs/acme-12/retry", { headers });
    const second = await post("runs/acme-12/retry", { headers });
    expect(second.json).toEqual(first.json);
    expect(first.json.id).toMatch(/^request-deploy-42-[0-9a-f]{32}$/);
    expect(await world.words()).toHaveLength(1);
  });

  it("is one's own for each action and each thing", async () => {
    await world.store([runOf({ seq: 13 })]);
    const ids = [
      (await post("runs/acme-12/retry", { headers })).json.id,
      (await post("runs/acme-12/cancel", { headers })).json.id,
      (await post("runs/acme-13/retry", { headers })).json.id,
      (await post("images/web/rebuild", { headers })).json.id,
    ];
    expect(new Set(ids).size).toBe(4);
  });

  it("is one's own for each ref, and for names that begin alike", async () => {
    const rebuild = (image: string, key: string, body = {}) =>
      post(`images/${image}/rebuild`, { headers: { "idempotency-key": key }, body });
    await world.put(await world.partition(), stored([trackOf("web"), trackOf("web-api")]));
    const ids = [
      (await rebuild("web", "api-42")).json.id,
      (await rebuild("web-api", "42")).json.id,
      (await rebuild("web", "api-42", { ref: "refs/heads/main" })).json.id,
    ];
    expect(new Set(ids).size).toBe(3);
    expect(await world.words()).toHaveLength(3);
  });

  it("left out, every request is another one", async () => {
    const [a, b] = [await post("images/web/rebuild"), await post("images/web/rebuild")];
    expect(a.json.id).not.toBe(b.json.id);
  });

  it.each(["", "a b", "x/y", "ä", "x".repeat(101)])("%j is refused", async (value) => {
    const answer = await post("runs/acme-12/retry", { headers: { "idempotency-key": value } });
    expect(answer.json).toMatchObject({ status: 400, detail: expect.stringContaining("Idempotency-Key") });
    expect(await world.words()).toEqual([]);
  });
});

describe("a rebuild", () => {
  it("takes no body, and a body that narrows it", async () => {
    expect((await post("images/web/rebuild")).status).toBe(202);
    const body = { ref: "refs/heads/main", source: "7" };
    expect((await post("images/web/rebuild", { body })).status).toBe(202);
    expect((await world.words()).at(-1)).toMatchObject({ image: "web", ref: "refs/heads/main", sourceId: 7 });
  });

  it.each([
    ["an image nobody builds", "images/none/rebuild", {}, 404],
    ["a ref it is not built from", "images/web/rebuild", { ref: "refs/heads/other" }, 404],
    ["a source nobody knows", "images/web/rebuild", { source: "acme/none" }, 404],
    ["a ref that is no full one", "images/web/rebuild", { ref: "main" }, 400],
    ["a key that is none", "images/web/rebuild", { force: true }, 400],
  ])("of %s is refused", async (_name, path, body, status) => {
    expect((await post(path, { body })).status).toBe(status);
    expect(await world.words()).toEqual([]);
  });

  it("of a source by its name finds it whatever its letters", async () => {
    await world.put(platformPartition, { [keys.sourceName("acme/platform")]: { id: 7 } });
    expect((await post("images/web/rebuild", { body: { source: "Acme/Platform" } })).status).toBe(202);
  });

  it("of a name that two registries build asks which", async () => {
    await world.put(await world.partition("beta"), stored([trackOf("web")]));
    expect((await post("images/web/rebuild")).json).toMatchObject({
      status: 409,
      detail: expect.stringContaining("acme and beta"),
    });
    expect(await world.words()).toEqual([]);
  });
});
