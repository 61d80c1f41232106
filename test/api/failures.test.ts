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

interface Failure {
  readonly id: string;
  readonly about: string;
}
const failures = async () => (await world.get("failures")).json.failures as unknown as readonly Failure[];
/** By what it is about. */
const post = async (about: string, action: "retry" | "forget") => {
  const found = (await failures()).find((failure) => failure.about.includes(about));
  return world.ask("POST", `failures/${found?.id ?? about}/${action}`);
};
const stuck = async (...words: readonly Stuck["word"][]) => {
  for (const word of words) {
    const rows = { [keys.stuck(word.id)]: { word, why, at } satisfies Stuck };
    await world.put(await world.partition("beta"), rows);
  }
};

describe("what failed for good", () => {
  it("is listed, oldest first, with the beginning of a message and the first line of why", async () => {
    const id = expect.stringMatching(/^[0-9a-f]{16}$/);
    const [message, first] = await failures();
    expect(message).toEqual({ id: "m-1", at: earlier, what: "message", of: "events", about: expect.any(String) });
    expect(message!.about).toMatch(/^\{"kind":"tag-moved","eventId":"e",/);
    const about = "request-1";
    const shown = { id, at, registry: "beta", what: "word", of: "cancel-requested", about };
    expect(first).toEqual({ ...shown, why: "TypeError: no bases" });
  });

  it("keeps health from being well until it is forgotten", async () => {
    expect((await world.get("health")).status).toBe(503);
    for (const about of ["tag-moved", "request-1"]) expect((await post(about, "forget")).status).toBe(200);
    expect(await failures()).toEqual([]);
    expect((await world.get("health")).status).toBe(200);
    expect([world.sent, await world.words("beta")]).toEqual([[], []]);
  });

  it("is put back where it failed, a message with its days of trying before it again", async () => {
    for (const about of ["tag-moved", "request-1"]) expect((await post(about, "retry")).status).toBe(200);
    expect(world.sentTo("events").map((s) => s.body)).toEqual([{ kind: "tag-moved", eventId: "e" }]);
    expect(await world.words("beta")).toEqual([word]);
    expect(world.sentTo("registries").map((s) => s.body.registry)).toEqual(["beta"]);
    expect(await failures()).toEqual([]);
  });

  it("is put back once, though two people ask", async () => {
    await Promise.all([post("request-1", "retry"), post("request-1", "retry")]);
    expect(await world.words("beta")).toHaveLength(1);
  });

  it("stays when its queue cannot be reached", async () => {
    world.queueFault = new Error("storage is down");
    await expect(post("tag-moved", "retry")).rejects.toThrow("storage is down");
    expect(await failures()).toHaveLength(2);
  });

  it("cannot be tried again where only its name was kept", async () => {
    await stuck({ kind: "ref-moved", id: "big" });
    const { status, json } = await post("big", "retry");
    expect([status, json.detail]).toEqual([409, "of big only the name is kept"]);
    expect((await post("big", "forget")).status).toBe(200);
    expect(await world.rows.list(await world.partition("beta"), rangeOf("stuck"), 10)).toHaveLength(1);
  });

  it("may have no cause of its own, and a name that no path could hold", async () => {
    const id = `acme-5.stale.web.${"refs/heads/100%/long ".repeat(20)}`;
    const cause = { kind: "run", id: "acme-5" } as const;
    const words: Inbox[] = [
      { kind: "run-ended", id: "acme-5.ended", run: "acme-5", track: "track|7|main|a", makes: [] },
      { kind: "track-stale", id, track: "t", reasons: [], cause, waves: [], lineage: [], priority: 2 },
    ];
    await stuck(...words);
    for (const { id: about } of words) expect((await post(about, "retry")).status).toBe(200);
    expect((await world.words("beta")).map((w) => w.id).toSorted()).toEqual(words.map((w) => w.id).toSorted());
  });

  it("is 404 under another name", async () => {
    expect((await post("nobody", "retry")).status).toBe(404);
    expect((await post("nobody", "forget")).status).toBe(404);
  });
});
