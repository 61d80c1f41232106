import { beforeEach, describe, expect, it } from "vitest";
import { key, keys, rangeOf } from "../../src/core/state/keys.ts";
import type { GivenUp, Inbox, Stuck } from "../../src/core/state/rows.ts";
import { platformPartition } from "../../src/handlers/registries.ts";
import { queueNames } from "../../src/ports.ts";
import { ApiWorld } from "./api-world.ts";

const at = "2026-11-23T12:00:00.000Z";
const earlier = "2026-11-23T11:00:00.000Z";
const word: Inbox = { kind: "cancel-requested", id: "request-1", cause: { kind: "sweep", id: "s", at }, run: "acme-1" };
const message: GivenUp = {
  queue: queueNames.events,
  body: { kind: "tag-moved", eventId: "e", tries: 40, since: "2026-11-20T12:00:00Z" },
  at: earlier,
};
const why = "TypeError: no bases\n    at https://storage.example/x?sig=secret";

let world: ApiWorld;
beforeEach(async () => {
  world = new ApiWorld();
  await world.put(platformPartition, { [key("poison", "1", "m-1")]: message });
  await world.put(await world.partition("beta"), { [keys.stuck(word.id)]: { word, why, at } satisfies Stuck });
});

const failures = async () => (await world.get("failures")).json.failures as unknown as readonly { id: string }[];
const post = async (path: string) => (await world.ask("POST", `failures/${path}`)).status;

describe("what failed for good", () => {
  it("is listed, oldest first, with the first line of why and nothing of what it says", async () => {
    expect(await failures()).toEqual([
      { id: "m-1", at: earlier, what: "message", of: "events" },
      { id: "request-1", at, registry: "beta", what: "word", of: "cancel-requested", why: "TypeError: no bases" },
    ]);
  });

  it("keeps health from being well until it is forgotten", async () => {
    expect((await world.get("health")).status).toBe(503);
    expect([await post("m-1/forget"), await post("request-1/forget")]).toEqual([200, 200]);
    expect(await failures()).toEqual([]);
    expect((await world.get("health")).status).toBe(200);
    expect([world.sent, await world.words("beta")]).toEqual([[], []]);
  });

  it("is put back where it failed, a message with its days of trying before it again", async () => {
    expect([await post("m-1/retry"), await post("request-1/retry")]).toEqual([200, 200]);
    expect(world.sentTo("events").map((s) => s.body)).toEqual([{ kind: "tag-moved", eventId: "e" }]);
    expect(await world.words("beta")).toEqual([word]);
    expect(world.sentTo("registries").map((s) => s.body.registry)).toEqual(["beta"]);
    expect(await failures()).toEqual([]);
  });

  it("is put back once, though two people ask", async () => {
    const both = await Promise.all([post("request-1/retry"), post("request-1/retry")]);
    expect(both.toSorted()).toEqual([200, 404]);
    expect(await world.words("beta")).toHaveLength(1);
  });

  it("stays when its queue cannot be reached", async () => {
    world.queueFault = new Error("storage is down");
    await expect(post("m-1/retry")).rejects.toThrow("storage is down");
    expect(await failures()).toHaveLength(2);
  });

  it("cannot be tried again where only its name was kept", async () => {
    const partition = await world.partition("beta");
    await world.put(partition, { [keys.stuck("big")]: { word: { kind: "ref-moved", id: "big" }, why, at } });
    const { status, json } = await world.ask("POST", "failures/big/retry");
    expect([status, json.detail]).toEqual([409, "of big only the name is kept"]);
    expect(await post("big/forget")).toBe(200);
    expect(await world.rows.list(partition, rangeOf("stuck"), 10)).toHaveLength(1);
  });

  it("may have no cause of its own, and a name longer than anything a person names", async () => {
    const id = `acme-5.stale.web.${"refs/heads/long ".repeat(20)}`;
    const words: Inbox[] = [
      { kind: "run-ended", id: "acme-5.ended", run: "acme-5", track: "track|7|main|a", makes: [] },
      {
        kind: "track-stale",
        id,
        track: "t",
        reasons: [],
        cause: { kind: "run", id: "acme-5" },
        waves: [],
        lineage: [],
        priority: 2,
      },
    ];
    for (const word of words)
      await world.put(await world.partition(), { [keys.stuck(word.id)]: { word, why, at } satisfies Stuck });
    for (const word of words) expect(await post(`${encodeURIComponent(word.id)}/retry`)).toBe(200);
    expect((await world.words()).map((word) => word.id).toSorted()).toEqual(words.map((word) => word.id).toSorted());
  });

  it("is 404 under another name", async () => {
    expect(await post("nobody/retry")).toBe(404);
    expect(await post("nobody/forget")).toBe(404);
  });
});
