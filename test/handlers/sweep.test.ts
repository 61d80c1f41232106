import { beforeEach, describe, expect, it } from "vitest";
import type { SourceRepository } from "../../src/core/source.ts";
import { keys, rangeOf } from "../../src/core/state/keys.ts";
import type { Due, Inbox } from "../../src/core/state/rows.ts";
import { PermanentError, TransientError } from "../../src/errors.ts";
import { platformPartition, type Registries } from "../../src/handlers/registries.ts";
import { type ListedRef, sweep } from "../../src/handlers/sweep.ts";
import { queueNames } from "../../src/ports.ts";
import { Outside } from "./outside.ts";

const sha = (c: string) => c.repeat(40);
const main = "refs/heads/main";
const branch = (ref: string, c: string): ListedRef => ({ ref, sha: sha(c), annotatedTag: false });

class World extends Outside {
  readonly refs = new Map<number, readonly ListedRef[] | Error>();
  failed: readonly { readonly id: string; readonly guid: string }[] = [];
  readonly lookedFrom: string[] = [];
  readonly redelivered: string[] = [];
  onRedeliver: (id: string) => void = () => {};
  known: Registries = this.registries();

  async tick(afterMs = 60_000): Promise<void> {
    this.now += afterMs;
    await sweep({
      rows: this.rows,
      queues: this.queues,
      registries: this.known,
      github: {
        refs: async ({ id }: SourceRepository) => {
          const refs = this.refs.get(id) ?? [];
          if (refs instanceof Error) throw refs;
          return refs;
        },
        failedDeliveries: async (since) => {
          this.lookedFrom.push(since);
          return this.failed;
        },
        redeliver: async (id) => {
          this.onRedeliver(id);
          this.redelivered.push(id);
        },
      },
      now: this.clock,
      newId: this.newId,
      log: this.log,
    });
  }
  async partition(alias = "acme"): Promise<string> {
    return (await this.known.find(alias)).partition;
  }
  async source(id: number, met = true): Promise<void> {
    await this.put(platformPartition, {
      [keys.source(id)]: { provider: "github", id, fullName: `acme/r${id}` },
      ...(met ? { [keys.met(id)]: { at: "" } } : {}),
    });
  }
  async seen(id: number, ref: string, c: string, listed: string | null = null): Promise<void> {
    await this.put(platformPartition, { [keys.seen(id, ref)]: { ref, sha: sha(c), listed } });
  }
  announced(): readonly (readonly [unknown, unknown])[] {
    return this.sentTo("events").map((s) => [s.body.ref, s.body.after ?? "gone"] as const);
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

describe("what is owed and late", () => {
  const due: Due = { kind: "report", run: "acme-12", attempt: 0, seq: 12 };
  const dueKey = keys.due("report", "acme-12");

  it("is sent again after a minute, not before", async () => {
    await world.put(await world.partition(), { [dueKey]: due });
    await world.tick(59_000);
    expect(world.sent).toEqual([]);
    await world.tick(1000);
    expect(world.sent).toMatchObject([{ queue: "reports", body: { kind: "run", registry: "acme", run: "acme-12" } }]);
  });

  const minutesOf = async (owed: Due, until: number) => {
    await world.put(await world.partition(), { [keys.due(owed.kind, owed.run)]: owed });
    const sentAt: number[] = [];
    for (let minute = 1; minute <= until; minute++) {
      const before = world.sent.length;
      await world.tick();
      if (world.sent.length > before) sentAt.push(minute);
    }
    return sentAt;
  };

  it("is sent again with growing patience, an hour at most", async () => {
    expect(await minutesOf(due, 240)).toEqual([1, 5, 21, 81, 141, 201]);
  });

  it("is sent again every five minutes at least while it holds a slot", async () => {
    expect(await minutesOf({ ...due, kind: "prepare" }, 30)).toEqual([1, 5, 10, 15, 20, 25, 30]);
  });

  it("goes to the queue it belongs to, with the attempt it is about", async () => {
    await world.put(await world.partition(), {
      [keys.due("prepare", "acme-12.2")]: { kind: "prepare", run: "acme-12", attempt: 2, seq: 12 } satisfies Due,
      [keys.due("collect", "acme-12.1")]: { kind: "collect", run: "acme-12", attempt: 1, seq: 12 } satisfies Due,
    });
    await world.tick();
    expect(world.sentTo("run-work").map((s) => s.body)).toEqual([
      { kind: "prepare", registry: "acme", run: "acme-12", runAttempt: 2 },
      { kind: "collect", registry: "acme", run: "acme-12", runAttempt: 1 },
    ]);
  });

  it("is sent by one sweep when two meet", async () => {
    await world.put(await world.partition(), { [dueKey]: due });
    world.now += 60_000;
    await Promise.all([world.tick(0), world.tick(0)]);
    expect(world.sentTo("reports")).toHaveLength(1);
  });

  it("is sent however much stands before it that is not late yet", async () => {
    const partition = await world.partition();
    const young = Array.from({ length: 1500 }, (_, i) => `acme-1${String(i).padStart(4, "0")}`);
    await world.put(partition, { [keys.due("report", "acme-2")]: { ...due, run: "acme-2" } });
    world.now += 59_000;
    await world.put(partition, Object.fromEntries(young.map((run) => [keys.due("report", run), { ...due, run }])));
    await world.tick(1000);
    expect(world.sentTo("reports").map((s) => s.body.run)).toEqual(["acme-2"]);
  });

  it("is sent two hundred at a time, none of them left out for ever", async () => {
    const runs = Array.from({ length: 450 }, (_, i) => `acme-1${String(i).padStart(4, "0")}`);
    await world.put(
      await world.partition(),
      Object.fromEntries(runs.map((run) => [keys.due("report", run), { ...due, run }])),
    );
    const after: number[] = [];
    for (let tick = 0; tick < 3; tick++) {
      await world.tick();
      after.push(world.sentTo("reports").length);
    }
    expect(after).toEqual([200, 400, 450]);
    expect(new Set(world.sentTo("reports").map((s) => s.body.run)).size).toBe(450);
  });

  describe("for three days", () => {
    const late = async (partition: string, owed: Record<string, unknown>) => {
      await world.put(partition, { [keys.due(String(owed.kind), "acme-12")]: { ...owed, resent: 75 } });
      await world.tick(3_600_000);
      return (await world.rows.list(partition, rangeOf("due"), 10)).length;
    };
    const givenUp = () => world.logs.filter((l) => l.message === "owed for days, given up").length;

    it("ends as a report that GitHub never took", async () => {
      expect(await late(await world.partition(), { ...due })).toBe(0);
      expect([world.sent, givenUp()]).toEqual([[], 1]);
    });

    it("ends as a note that GitHub never took", async () => {
      const source = { provider: "github", id: 7, fullName: "acme/platform" };
      expect(await late(platformPartition, { kind: "note", id: "n", source, sha: sha("a") })).toBe(0);
      expect([world.sent, givenUp()]).toEqual([[], 1]);
    });

    it.each([
      ["prepare", "context-failed"],
      ["collect", "log-collected"],
    ] as const)("ends as a %s that nobody could do: the pass hears it", async (kind, word) => {
      const partition = await world.partition();
      await late(partition, { ...due, kind, attempt: 1 });
      const words = (await world.rows.list(partition, rangeOf("in"), 10)).map((r) => r.value);
      expect(words).toMatchObject([{ kind: word, run: "acme-12", attempt: 1 }]);
      expect([world.sentTo("run-work"), givenUp()]).toEqual([[], 1]);
    });

    it("stays when the run moved on at that very moment: that is news", async () => {
      const partition = await world.partition();
      await world.put(partition, { [dueKey]: { ...due, resent: 75 } });
      world.now += 3_600_000;
      let writes = 0;
      world.rows.afterWrite = (_, written) => {
        if (written[0] !== dueKey || ++writes > 1) return;
        void world.rows.transact(partition, [{ kind: "put", key: dueKey, value: due }]);
      };
      await world.tick(0);
      expect(await world.value(partition, dueKey)).toEqual(due);
    });
  });

  it("of notes is sent again too, with the same patience", async () => {
    const noteKey = keys.due("note", "delivery-1");
    await world.put(platformPartition, { [noteKey]: { id: "delivery-1", statuses: [] } });
    await world.tick(59_000);
    expect(world.sent).toEqual([]);
    await world.tick(1000);
    expect(world.sent).toMatchObject([{ queue: "reports", body: { kind: "note", note: "delivery-1" } }]);
    for (let minute = 2; minute <= 21; minute++) await world.tick();
    expect(world.sent).toHaveLength(3);
  });
});

describe("a pass", () => {
  const lease = async (value: Record<string, unknown>, wake?: string) =>
    world.put(await world.partition(), {
      [keys.lease]: { holder: "", ttlSeconds: 20, seenWake: "", ...value },
      ...(wake === undefined ? {} : { [keys.wake]: { token: wake } }),
    });

  it("that died holding its lease is taken over once that has expired", async () => {
    await lease({ holder: "dead" });
    await world.tick(19_999);
    expect(world.sent).toEqual([]);
    await world.tick(1);
    expect(world.sent).toEqual([{ queue: "registries", delaySeconds: undefined, body: { registry: "acme" } }]);
  });

  it("whose next nudge was lost is woken ten seconds late, by that nudge's own id", async () => {
    const at = new Date(world.now + 60_000).toISOString();
    await lease({ seenWake: "w1", nudge: { id: "n1", at } }, "w1");
    await world.tick(70_000);
    expect(world.sent).toEqual([]);
    await world.tick(1);
    expect(world.sent).toMatchObject([{ queue: "registries", body: { registry: "acme", nudge: "n1" } }]);
  });

  it("that has not seen the latest word is woken", async () => {
    await lease({ seenWake: "w1" }, "w2");
    await world.tick();
    expect(world.sentTo("registries")).toHaveLength(1);
  });

  it("that never was is woken for the first word", async () => {
    await world.put(await world.partition(), { [keys.wake]: { token: "w1" } });
    await world.tick();
    expect(world.sentTo("registries")).toHaveLength(1);
  });

  it("that rests is left alone", async () => {
    await lease({ seenWake: "w1" }, "w1");
    await world.tick();
    expect(world.sent).toEqual([]);
  });
});

describe("refs", () => {
  it("of a repository met for the first time are remembered and build nothing", async () => {
    await world.source(7, false);
    await world.seen(7, main, "a");
    world.refs.set(7, [branch(main, "b"), branch("refs/heads/old", "c")]);
    await world.tick();
    expect(world.announced()).toEqual([]);
    // What was read already stays as it was read: a push in between is found by the next look.
    await world.tick();
    expect(world.announced()).toEqual([[main, sha("b")]]);
    expect(await world.value(platformPartition, keys.seen(7, "refs/heads/old"))).toMatchObject({ sha: sha("c") });
  });

  it("that moved, that are new and that are gone are announced; the others are not", async () => {
    await world.source(7);
    await world.seen(7, main, "a");
    await world.seen(7, "refs/heads/same", "b");
    await world.seen(7, "refs/heads/gone", "c");
    world.refs.set(7, [branch(main, "d"), branch("refs/heads/same", "b"), branch("refs/heads/new", "e")]);
    await world.tick();
    expect(world.announced()).toEqual([
      [main, sha("d")],
      ["refs/heads/new", sha("e")],
      ["refs/heads/gone", "gone"],
    ]);
    expect(world.sentTo("events").map((s) => s.body.deleted)).toEqual([false, false, true]);
    expect(world.sentTo("events")[0]?.body).toMatchObject({ origin: "sweep", sourceId: 7, fullName: "acme/r7" });
  });

  it("are announced with a delay: a delivery on its way is to be heard first", async () => {
    await world.source(7);
    world.refs.set(7, [branch(main, "a")]);
    await world.tick();
    expect(world.sentTo("events").map((s) => s.delaySeconds)).toEqual([5]);
  });

  it("that are annotated tags are known by the tag object or by the commit", async () => {
    await world.source(7);
    const tag = (c: string): ListedRef => ({ ref: "refs/tags/v1", sha: sha(c), annotatedTag: true });
    await world.seen(7, "refs/tags/v1", "a", sha("f"));
    world.refs.set(7, [tag("f")]);
    await world.tick();
    world.refs.set(7, [tag("a")]);
    await world.tick();
    expect(world.announced()).toEqual([]);
    world.refs.set(7, [tag("e")]);
    await world.tick();
    expect(world.sentTo("events")[0]?.body).toMatchObject({ after: sha("e"), annotatedTag: true });
  });

  it("of one bad repository do not keep those of others from being looked at", async () => {
    for (const id of [1, 2, 3]) await world.source(id);
    world.refs.set(1, new PermanentError("github-not-found", "gone"));
    world.refs.set(2, new TransientError("502"));
    world.refs.set(3, [branch(main, "a")]);
    await world.tick();
    expect(world.announced()).toEqual([[main, sha("a")]]);
    expect(world.logs.filter((l) => l.message === "sweep failed")).toHaveLength(2);
  });

  it("are looked at three repositories a tick, all in turn", async () => {
    for (let id = 1; id <= 7; id++) {
      await world.source(id);
      world.refs.set(id, [branch(`refs/heads/of-${id}`, "a")]);
    }
    const perTick: number[] = [];
    for (let tick = 0; tick < 3; tick++) {
      const before = world.sent.length;
      await world.tick();
      perTick.push(world.sent.length - before);
    }
    expect(perTick).toEqual([3, 3, 3]);
    expect(new Set(world.announced().map(([ref]) => ref)).size).toBe(7);
  });
});

describe("failed deliveries", () => {
  it("are asked for once, not for ever", async () => {
    world.failed = [
      { id: "1", guid: "g-1" },
      { id: "2", guid: "g-2" },
    ];
    await world.tick();
    await world.tick();
    expect(world.redelivered).toEqual(["1", "2"]);
  });

  it("that GitHub will not redeliver do not keep the next from being asked for", async () => {
    world.failed = [
      { id: "1", guid: "g-1" },
      { id: "2", guid: "g-2" },
    ];
    world.onRedeliver = (id) => {
      if (id === "1") throw new PermanentError("github-not-found", "too old");
    };
    await world.tick();
    await world.tick();
    expect(world.redelivered).toEqual(["2"]);
  });

  it("are looked for in the last minutes only, once all older ones were asked for", async () => {
    const hoursBack = () => (world.now - Date.parse(world.lookedFrom.at(-1)!)) / 3_600_000;
    world.failed = Array.from({ length: 25 }, (_, i) => ({ id: String(i), guid: `g-${i}` }));
    await world.tick();
    expect(hoursBack()).toBe(72);
    await world.tick();
    expect(hoursBack()).toBe(72);
    await world.tick();
    expect(hoursBack()).toBeCloseTo(11 / 60);
    await world.tick(100 * 3_600_000);
    expect(hoursBack()).toBe(72);
  });

  it("are asked for twenty a tick at most", async () => {
    world.failed = Array.from({ length: 45 }, (_, i) => ({ id: String(i), guid: `g-${i}` }));
    const after: number[] = [];
    for (let i = 0; i < 3; i++) {
      await world.tick();
      after.push(world.redelivered.length);
    }
    expect(after).toEqual([20, 40, 45]);
  });
});

describe("a message that failed for good", () => {
  const words = async () =>
    (await world.rows.list(await world.partition(), rangeOf("in"), 10)).map((r) => r.value as Inbox);
  const records = async () => (await world.rows.list(platformPartition, rangeOf("poison"), 10)).map((r) => r.value);

  it("is kept as it was, and leaves its queue", async () => {
    world.poison.set(queueNames.events, [{ id: "m1", body: { any: "thing" } }]);
    await world.tick();
    expect(await records()).toEqual([
      { queue: "events", body: { any: "thing" }, at: new Date(world.now).toISOString() },
    ]);
    expect(world.poison.size).toBe(0);
  });

  it("ends the run whose context it was to prepare", async () => {
    const body = { kind: "prepare", registry: "acme", run: "acme-12", runAttempt: 2 };
    world.poison.set(queueNames.runWork, [{ id: "m1", body }]);
    await world.tick();
    expect(await words()).toMatchObject([{ kind: "context-failed", run: "acme-12", attempt: 2, code: "gave-up" }]);
    expect(world.sentTo("registries")).toHaveLength(1);
  });

  it("settles what was owed for a log that could not be collected", async () => {
    const body = { kind: "collect", registry: "acme", run: "acme-12", runAttempt: 1 };
    world.poison.set(queueNames.runWork, [{ id: "m1", body }]);
    await world.tick();
    expect(await words()).toMatchObject([{ kind: "log-collected", run: "acme-12", attempt: 1, bytes: 0 }]);
  });

  it("is kept once, and keeps nobody else's from being drained, when its registry is none of ours any more", async () => {
    const body = { kind: "prepare", registry: "sold", run: "sold-12", runAttempt: 2 };
    world.poison.set(queueNames.runWork, [{ id: "m1", body }]);
    world.poison.set(queueNames.reports, [{ id: "m2", body: {} }]);
    await world.tick();
    await world.tick();
    expect(await records()).toHaveLength(2);
    expect(world.poison.size).toBe(0);
  });

  it("and makes no sense is only kept", async () => {
    world.poison.set(queueNames.runWork, [{ id: "m1", body: "not even an object" }]);
    await world.tick();
    expect(await records()).toHaveLength(1);
    expect(await words()).toEqual([]);
  });
});

describe("a registry that cannot be had", () => {
  it("does not keep the other parts of the sweep from being done", async () => {
    world.known = world.registries(["beta", "acme"], ["beta"]);
    await world.put(await world.partition(), { [keys.wake]: { token: "w1" } });
    world.failed = [{ id: "1", guid: "g-1" }];
    await world.tick();
    expect(world.sentTo("registries")).toHaveLength(1);
    expect(world.redelivered).toEqual(["1"]);
    expect(world.logs[0]).toMatchObject({ message: "sweep failed", fields: { what: "registry beta" } });
  });
});
