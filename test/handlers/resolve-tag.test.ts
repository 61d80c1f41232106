import { beforeEach, describe, expect, it } from "vitest";
import type { DigestLookup } from "../../src/core/image/digest-lookup.ts";
import { keys, rangeOf } from "../../src/core/state/keys.ts";
import type { Decision, Followed, Inbox } from "../../src/core/state/rows.ts";
import { TransientError } from "../../src/errors.ts";
import type { TagMoved } from "../../src/handlers/messages.ts";
import { platformPartition } from "../../src/handlers/registries.ts";
import { giveUpTag, type ResolveTagPorts, resolveTag } from "../../src/handlers/resolve-tag.ts";
import { Outside } from "./outside.ts";

const debian = "docker.io/library/debian:12";
const ownTag = "acme.azurecr.io/base:main";
const d = (n: number) => `sha256:${String(n).repeat(64)}`;
const found = (digest: string): DigestLookup => ({ kind: "found", digest });

let outside: Outside;
let ports: ResolveTagPorts;
/** What each reference's registry says now. */
let answers: Map<string, DigestLookup>;
let asked: string[];
let events: number;

beforeEach(() => {
  outside = new Outside();
  answers = new Map();
  asked = [];
  events = 0;
  ports = {
    rows: outside.rows,
    queues: outside.queues,
    now: outside.clock,
    newId: outside.newId,
    registries: outside.registries(["acme", "beta"]),
    resolveDigest: async (reference) => {
      asked.push(reference);
      return answers.get(reference) ?? { kind: "absent" };
    },
    settleSeconds: 30,
    log: outside.log,
  };
});

const event = (reference = debian, eventId = `event-${++events}`): TagMoved => ({
  kind: "tag-moved",
  eventId,
  sender: "acr-webhook",
  receivedAt: new Date(outside.now).toISOString(),
  reference,
});
const partition = async (alias: string) => (await ports.registries.find(alias)).partition;
const followed = (reference = debian) => outside.value<Followed>(platformPartition, keys.followed(reference));

async function standsOn(reference = debian, alias = "acme", kind: "base" | "pinned" = "base"): Promise<void> {
  await outside.put(await partition(alias), { [keys[kind](reference, "track|7|main|a")]: { track: "track|7|main|a" } });
}
async function words(alias = "acme"): Promise<readonly Extract<Inbox, { kind: "tag-moved" }>[]> {
  const rows = await outside.rows.list(await partition(alias), rangeOf("in"), 100);
  return rows.map((r) => r.value as Extract<Inbox, { kind: "tag-moved" }>);
}
async function skips(): Promise<readonly string[]> {
  const rows = await outside.rows.list(platformPartition, rangeOf("decision"), 100);
  return rows.flatMap((r) => (r.value as Decision).skipped.map((s) => s.reason));
}
/** As the settled tag is known. */
async function knownAt(digest: string, reference = debian): Promise<void> {
  answers.set(reference, found(digest));
  const told = event(reference);
  if ((await resolveTag(told, ports)) === "later") {
    outside.now += 30_000;
    await resolveTag(told, ports);
  }
  expect((await followed(reference))?.digest).toBe(digest);
}

describe("a tag that has moved", () => {
  it("is looked at again by the same message when it has settled, and one word is left", async () => {
    await standsOn();
    answers.set(debian, found(d(1)));
    const told = event();
    expect(await resolveTag(told, ports)).toBe("later");
    expect(outside.sentTo("events")).toEqual([{ queue: "events", body: told, delaySeconds: 30 }]);
    expect(await words()).toEqual([]);
    outside.now += 30_000;
    expect(await resolveTag(told, ports)).toContain("left word");
    expect(await words()).toMatchObject([{ kind: "tag-moved", reference: debian, digest: d(1) }]);
    expect(await followed()).toMatchObject({ digest: d(1), moves: 1 });
    expect(await followed()).not.toHaveProperty("pending");
  });

  it("is left to the event that looks again, whoever else tells of it", async () => {
    await standsOn();
    answers.set(debian, found(d(1)));
    expect(await resolveTag(event(), ports)).toBe("later");
    expect(await resolveTag(event(), ports)).toMatch(/^settling: event event-1 looks/);
    expect(outside.sentTo("events")).toHaveLength(1);
  });

  it("begins its settle time anew with each digest", async () => {
    await standsOn();
    const told = event();
    for (const n of [1, 2, 3]) {
      answers.set(debian, found(d(n)));
      expect(await resolveTag(told, ports)).toBe("later");
      outside.now += 20_000;
    }
    outside.now += 10_000;
    await resolveTag(told, ports);
    expect(await words()).toMatchObject([{ digest: d(3) }]);
  });

  it("that never rests is taken as it is after ten settle times", async () => {
    await standsOn();
    const told = event();
    const outcomes: string[] = [];
    for (let n = 0; n <= 15; n++) {
      answers.set(debian, found(`sha256:${String(n).padStart(64, "0")}`));
      outcomes.push(await resolveTag(told, ports));
      outside.now += 20_000;
    }
    expect(outcomes.slice(0, 15)).toEqual(Array.from({ length: 15 }, () => "later"));
    expect(outcomes[15]).toContain("left word");
  });

  it("after it was forgotten is another word, though it has the same digest", async () => {
    await standsOn();
    await knownAt(d(1));
    await outside.rows.transact(platformPartition, [{ kind: "remove", key: keys.followed(debian) }]);
    outside.now += 3_600_000;
    await knownAt(d(1));
    expect(new Set((await words()).map((w) => w.id)).size).toBe(2);
  });

  it("names what it was before, and a word for the same digest later is another word", async () => {
    await standsOn();
    for (const n of [1, 2, 1]) await knownAt(d(n));
    const left = await words();
    expect(left.map((w) => [w.from, w.digest])).toEqual([
      [undefined, d(1)],
      [d(1), d(2)],
      [d(2), d(1)],
    ]);
    expect(new Set(left.map((w) => w.id)).size).toBe(3);
    expect(await followed()).toMatchObject({ moves: 3, past: [{ digest: d(1) }, { digest: d(2) }] });
  });

  it("keeps when each digest before it ceased to be there", async () => {
    await standsOn();
    await knownAt(d(1));
    outside.now += 3_600_000;
    await knownAt(d(2));
    const moved = new Date(outside.now).toISOString();
    outside.now += 3_600_000;
    await knownAt(d(3));
    const now = new Date(outside.now).toISOString();
    expect(await followed()).toMatchObject({
      since: now,
      past: [
        { digest: d(1), until: moved },
        { digest: d(2), until: now },
      ],
    });
  });

  it("is news to every registry with images on it, and to none without", async () => {
    await standsOn(debian, "beta");
    await knownAt(d(1));
    expect([(await words("acme")).length, (await words("beta")).length]).toEqual([0, 1]);
    expect(outside.sentTo("registries").map((s) => s.body.registry)).toEqual(["beta"]);
  });

  it("is remembered, and nothing built, where images stand only on digests it once had", async () => {
    await standsOn(debian, "acme", "pinned");
    await knownAt(d(1));
    expect(await words()).toEqual([]);
    expect(await skips()).toContain("base-not-followed");
  });
});

describe("answers that are no digest", () => {
  it("are not even asked for when nothing stands on the tag", async () => {
    expect(await resolveTag(event(), ports)).toMatch(/^base-not-followed/);
    expect(asked).toEqual([]);
  });

  it("of a tag that is gone are said; that it is back is news, whatever its digest", async () => {
    await standsOn();
    await knownAt(d(1));
    answers.set(debian, { kind: "absent" });
    expect(await resolveTag(event(), ports)).toMatch(/^base-absent/);
    expect(await followed()).toMatchObject({ digest: d(1), unsure: true });
    expect(await words()).toHaveLength(1);
    answers.set(debian, found(d(1)));
    expect(await resolveTag(event(), { ...ports, settleSeconds: 0 })).toMatch(/^left word/);
    expect(await words()).toMatchObject([{ digest: d(1) }, { digest: d(1) }]);
  });

  it("of a tag that is gone are said twice to no other effect", async () => {
    await standsOn();
    await knownAt(d(1));
    answers.set(debian, { kind: "absent" });
    await resolveTag(event(), ports);
    const once = await followed();
    await resolveTag(event(), ports);
    expect(await followed()).toEqual(once);
  });

  it("of a host we may not ask are said once, and not tried again", async () => {
    await standsOn();
    answers.set(debian, { kind: "unknown", why: "not listed", forbidden: true });
    expect(await resolveTag(event(), ports)).toBe("base-not-followed: not listed");
    expect(outside.sent).toEqual([]);
  });

  it("of a registry that does not answer are tried again when it says so", async () => {
    await standsOn();
    answers.set(debian, { kind: "unknown", why: "answered 429", retryAfterSeconds: 77 });
    const failed = resolveTag(event(), ports);
    await expect(failed).rejects.toBeInstanceOf(TransientError);
    await expect(failed).rejects.toMatchObject({ retryAfterSeconds: 77 });
    expect(await followed()).toBeUndefined();
  });

  it("are recorded when they never come", async () => {
    await giveUpTag(event(), new TransientError("three days"), ports);
    expect(await skips()).toEqual(["delivery-failed"]);
  });
});

describe("what is known of a tag changes under the write", () => {
  const meddle = (times: number) => {
    let left = times;
    const key = keys.followed(debian);
    const { rows } = outside;
    rows.beforeWrite = (_partition, writing) => {
      if (!writing.includes(key) || left-- <= 0) return;
      const { beforeWrite } = rows;
      rows.beforeWrite = () => {};
      // The row is written before this returns: nothing in it waits.
      void rows.transact(platformPartition, [
        { kind: "put", key, value: { reference: debian, checkedAt: "2026-01-01T00:00:00Z", moves: 0, failures: left } },
      ]);
      rows.beforeWrite = beforeWrite;
    };
  };

  it("is read again, and the tag asked for again", async () => {
    await standsOn();
    answers.set(debian, found(d(1)));
    ports = { ...ports, settleSeconds: 0 };
    meddle(3);
    expect(await resolveTag(event(), ports)).toContain("left word");
    expect(asked).toHaveLength(4);
    expect(new Set((await words()).map((w) => w.id)).size, "one word, however often it was left").toBe(1);
  });

  it("over and over is tried again later, and does not go on for ever", async () => {
    await standsOn();
    answers.set(debian, found(d(1)));
    ports = { ...ports, settleSeconds: 0 };
    meddle(Number.POSITIVE_INFINITY);
    await expect(resolveTag(event(), ports)).rejects.toBeInstanceOf(TransientError);
    expect(asked.length).toBeLessThan(50);
  });
});

describe("the process dies between the word and what is known", () => {
  const dieOnce = () => {
    const { rows } = outside;
    rows.beforeWrite = (_partition, writing) => {
      if (!writing.includes(keys.followed(debian))) return;
      rows.beforeWrite = () => {};
      throw new Error("died");
    };
  };

  it("leaves the same word again, which is decided once", async () => {
    await standsOn();
    await knownAt(d(1));
    answers.set(debian, found(d(2)));
    const told = event();
    expect(await resolveTag(told, ports)).toBe("later");
    outside.now += 30_000;
    dieOnce();
    await expect(resolveTag(told, ports)).rejects.toThrow("died");
    outside.now += 600_000;
    await resolveTag(told, ports);
    const [, first, again] = await words();
    expect(again?.id).toBe(first?.id);
  });

  it("does not keep a digest that came meanwhile from being heard", async () => {
    await standsOn();
    await knownAt(d(1));
    ports = { ...ports, settleSeconds: 0 };
    answers.set(debian, found(d(2)));
    dieOnce();
    await expect(resolveTag(event(), ports)).rejects.toThrow("died");
    outside.now += 60_000;
    answers.set(debian, found(d(3)));
    await resolveTag(event(), ports);
    const [, second, third] = await words();
    expect([second?.digest, third?.digest]).toEqual([d(2), d(3)]);
    expect(third?.id).not.toBe(second?.id);
  });
});

describe("a tag that our own runs make", () => {
  const track = "track|7|main|base";
  const madeBy = async (active: string | undefined) =>
    outside.put(await partition("acme"), {
      [keys.makes(ownTag)]: { track },
      [track]: active === undefined ? {} : { active: { id: active } },
    });
  const pushedBy = async (run: string, digest: string) =>
    outside.put(await partition("acme"), { [keys.tag(ownTag)]: { run, digest } });

  beforeEach(async () => {
    await standsOn(ownTag, "acme");
    answers.set(ownTag, found(d(5)));
  });

  it("is remembered at once when a run of ours pushed it, and told to nobody", async () => {
    await madeBy(undefined);
    await pushedBy("acme-1", d(5));
    expect(await resolveTag(event(ownTag), ports)).toMatch(/^own-push: pushed by our own run acme-1/);
    expect(await followed(ownTag)).toMatchObject({ digest: d(5) });
    expect(await words()).toEqual([]);
  });

  it("is news to another registry at once, for the run's end tells only its own", async () => {
    await standsOn(ownTag, "beta");
    await madeBy("acme-1");
    await resolveTag(event(ownTag), ports);
    expect([(await words("acme")).length, (await words("beta")).length]).toEqual([0, 1]);
  });

  it("is our run's until the run has ended, and then what the run says it pushed", async () => {
    await madeBy("acme-1");
    expect(await resolveTag(event(ownTag), ports)).toMatch(/^own-push/);
    expect(await followed(ownTag)).toMatchObject({ digest: d(5), claimedBy: "acme-1" });
    expect(await resolveTag(event(ownTag), ports)).toMatch(/^nothing-changed/);
    await madeBy(undefined);
    await pushedBy("acme-1", d(5));
    expect(await resolveTag(event(ownTag), ports)).toMatch(/^own-push/);
    expect(await followed(ownTag)).not.toHaveProperty("claimedBy");
    expect(await words()).toEqual([]);
  });

  it("is news after all when the run failed and somebody else had pushed it", async () => {
    await madeBy("acme-1");
    await resolveTag(event(ownTag), ports);
    await madeBy(undefined);
    expect(await resolveTag(event(ownTag), ports)).toContain("left word");
    expect(await words()).toMatchObject([{ digest: d(5) }]);
    expect((await followed(ownTag))?.past, "the digest is the same as before").toEqual([]);
    expect(await followed(ownTag)).not.toHaveProperty("claimedBy");
  });
});
