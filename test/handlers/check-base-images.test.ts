import { beforeEach, describe, expect, it } from "vitest";
import type { DigestLookup, Look, Offered } from "../../src/core/image/digest-lookup.ts";
import { keys, rangeOf } from "../../src/core/state/keys.ts";
import type { Followed } from "../../src/core/state/rows.ts";
import { TransientError } from "../../src/errors.ts";
import { type CheckPorts, checkBaseImages } from "../../src/handlers/check-base-images.ts";
import { platformPartition } from "../../src/handlers/registries.ts";
import { Outside } from "./outside.ts";

const debian = "docker.io/library/debian:12";
const d = (n: number) => `sha256:${String(n).repeat(64)}`;
const found = (digest: string): DigestLookup => ({ kind: "found", digest });
const track = "track|7|main|a";

let outside: Outside;
let ports: CheckPorts;
let answer: (reference: string) => DigestLookup;
/** What comes with the answer. */
let besides: (reference: string) => Omit<Look, "lookup">;
let asked: string[];
let shown: (Offered | undefined)[];

beforeEach(() => {
  outside = new Outside();
  asked = [];
  shown = [];
  besides = () => ({});
  answer = () => found(d(1));
  ports = {
    rows: outside.rows,
    queues: outside.queues,
    registries: outside.registries(["acme", "beta"]),
    look: async (reference, offered) => {
      asked.push(reference);
      shown.push(offered);
      return { lookup: answer(reference), ...besides(reference) };
    },
    checkSeconds: 900,
    now: outside.clock,
    log: outside.log,
  };
});

const partition = async (alias: string) => (await ports.registries.find(alias)).partition;
const followed = (reference = debian) => outside.value<Followed>(platformPartition, keys.followed(reference));
async function standOn(references: readonly string[], alias = "acme", kind: "base" | "pinned" = "base") {
  const rows = references.map((reference) => [keys[kind](reference, track), { track, reference }] as const);
  await outside.put(await partition(alias), Object.fromEntries(rows));
}
/** As whoever resolved the event leaves it. */
async function known(digest: string, more: Partial<Followed> = {}, reference = debian) {
  const at = new Date(outside.now).toISOString();
  const value = { reference, digest, since: at, checkedAt: at, moves: 1, failures: 0, ...more };
  await outside.put(platformPartition, { [keys.followed(reference)]: value });
}
const tick = async (afterSeconds = 0) => {
  outside.now += afterSeconds * 1000;
  const before = asked.length;
  await checkBaseImages(ports);
  return asked.slice(before);
};
const told = () => outside.sentTo("events").map((s) => s.body);

describe("each tag that something stands on", () => {
  it("is asked for once, whatever stands on it and in which registry, also below a digest", async () => {
    const port = "reg.example:5000/Team/base:RC1".toLowerCase().replace("rc1", "RC1");
    await standOn([debian, port]);
    await standOn([debian], "beta");
    await standOn(["ghcr.io/team/tool:2"], "beta", "pinned");
    expect((await tick()).sort()).toEqual([debian, "ghcr.io/team/tool:2", port].sort());
  });

  it("is a tag: a digest that an image names never moves, and its registry is not asked", async () => {
    await standOn([`docker.io/library/debian@${d(1)}`], "acme", "pinned");
    expect(await tick()).toEqual([]);
    expect(await followed(`docker.io/library/debian@${d(1)}`)).toBeUndefined();
  });

  it("is told of when it is seen first, and remembered without a digest until that is resolved", async () => {
    await standOn([debian]);
    await tick();
    expect(told()).toMatchObject([{ kind: "tag-moved", sender: "base-check", reference: debian, hint: d(1) }]);
    expect(await followed()).toMatchObject({ moves: 0, failures: 0 });
    expect(await followed()).not.toHaveProperty("digest");
  });

  it("is told of once when it moves, and not at all while it rests", async () => {
    await standOn([debian]);
    await known(d(1));
    await tick(900);
    expect(told()).toEqual([]);
    answer = () => found(d(2));
    await tick(900);
    await tick(60);
    expect(told()).toMatchObject([{ reference: debian, hint: d(2) }]);
    expect(await followed(), "whoever resolves it says what it is").toMatchObject({ digest: d(1), moves: 1 });
  });

  it("is not asked for again before its time", async () => {
    await standOn([debian]);
    await known(d(1));
    expect(await tick(899)).toEqual([]);
    expect(await tick(1)).toEqual([debian]);
    expect(await tick(899)).toEqual([]);
  });

  it("is told of under the same id by a tick that died and is repeated", async () => {
    await standOn([debian]);
    await known(d(1), { checkedAt: "2026-11-01T00:00:00.000Z" });
    answer = () => found(d(2));
    outside.rows.beforeWrite = (_partition, writing) => {
      if (!writing.includes(keys.followed(debian))) return;
      outside.rows.beforeWrite = () => {};
      throw new TransientError("died");
    };
    await expect(tick()).rejects.toThrow("died");
    await tick(60);
    expect(new Set(told().map((e) => e.eventId)).size).toBe(1);
  });

  it("is told of anew when it comes back to a digest that it had only for a moment", async () => {
    await standOn([debian]);
    await known(d(1));
    answer = () => found(d(2));
    await tick(900);
    // It went back before that settled, so nothing is known to have moved.
    answer = () => found(d(1));
    await tick(900);
    answer = () => found(d(2));
    await tick(900);
    expect(new Set(told().map((e) => e.eventId)).size).toBe(2);
  });

  it("is looked into once more while it is not known whose digest it is", async () => {
    await standOn([debian]);
    await known(d(1), { claimedBy: "acme-1" });
    await tick(900);
    expect(told()).toMatchObject([{ hint: d(1) }]);
  });

  it("is asked for with what its registry offered at the last check, whoever knows of that digest by now", async () => {
    const offered = (n: number): Offered => ({ etag: `"v${n}"`, digest: d(n) });
    await standOn([debian]);
    await known(d(1));
    besides = () => ({ offered: offered(2) });
    answer = () => found(d(2));
    await tick(900);
    answer = () => ({ kind: "unknown", why: "503" });
    besides = () => ({});
    await tick(900);
    answer = () => found(d(2));
    await tick(900);
    await tick(900);
    expect(shown).toEqual([undefined, offered(2), offered(2), undefined]);
    expect(told(), "the move it was told of is still not known to be worked off").toHaveLength(3);
  });

  it("is tried again at the next tick when it could not be told", async () => {
    await standOn([debian]);
    await known(d(1));
    answer = () => found(d(2));
    outside.queueFault = new TransientError("queue: 500");
    await expect(tick(900)).rejects.toThrow("queue: 500");
    outside.queueFault = undefined;
    await tick(60);
    expect(told()).toHaveLength(1);
  });
});

describe("an answer that is no digest", () => {
  it("changes nothing but when to ask again, twice as late each time, up to six hours", async () => {
    await standOn([debian]);
    await known(d(1));
    answer = () => ({ kind: "unknown", why: "answered 503" });
    const waits: number[] = [];
    outside.now += 900_000;
    for (let i = 0; i < 12; i++) {
      await tick();
      const row = (await followed())!;
      expect(row).toMatchObject({ digest: d(1), moves: 1, failures: i + 1, problem: "answered 503" });
      waits.push((Date.parse(row.notBefore!) - outside.now) / 1000);
      expect(await tick(waits.at(-1)! - 1)).toEqual([]);
      outside.now += 900_000;
    }
    expect(waits.slice(0, 4)).toEqual([120, 240, 480, 960]);
    expect(waits.at(-1)).toBe(6 * 3600);
    expect(told()).toEqual([]);
    answer = () => found(d(1));
    await tick(6 * 3600);
    expect(await followed()).toMatchObject({ failures: 0 });
    expect(await followed()).not.toHaveProperty("problem");
    expect(await followed()).not.toHaveProperty("notBefore");
  });

  it("is a tag that is gone too, and a host we may not ask is not asked for six hours", async () => {
    const secret = "secret.example/team/base:1";
    await standOn([debian, secret]);
    await known(d(1));
    answer = (r) => (r === secret ? { kind: "unknown", why: "not listed", forbidden: true } : { kind: "absent" });
    await tick(900);
    expect(await followed()).toMatchObject({ digest: d(1), problem: "it does not exist at its registry" });
    expect(Date.parse((await followed(secret))!.notBefore!) - outside.now).toBe(6 * 3_600_000);
  });

  it("has a registry that asked to be left alone left alone with everything, and no other", async () => {
    const many = Array.from({ length: 40 }, (_, i) => `docker.io/library/i${i}:1`);
    await standOn([...many, "ghcr.io/team/tool:2"]);
    // Not due yet when the registry refuses, so not asked for later either.
    await known(d(1), {}, many[0]);
    answer = (r) =>
      r.startsWith("docker.io") ? { kind: "unknown", why: "429", retryAfterSeconds: 3600 } : found(d(1));
    const first = await tick(600);
    expect(first.filter((r) => r.startsWith("docker.io")).length, "those under way and no more").toBeLessThanOrEqual(8);
    expect(first).toContain("ghcr.io/team/tool:2");
    expect(await tick(600)).toEqual([]);
    expect((await tick(1200)).every((r) => r.startsWith("ghcr.io"))).toBe(true);
    answer = () => found(d(1));
    expect((await tick(1800)).filter((r) => r.startsWith("docker.io"))).toHaveLength(40);
  });
});

describe("a registry that gives little more", () => {
  it("is left alone for as long as it says, and its answer counts", async () => {
    const many = Array.from({ length: 40 }, (_, i) => `docker.io/library/i${i}:1`);
    await standOn([...many, "ghcr.io/team/tool:2"]);
    for (const reference of many) await known(d(1), {}, reference);
    answer = () => found(d(2));
    besides = (r) => (r.startsWith("docker.io") ? { leaveAloneSeconds: 2160 } : {});
    const first = (await tick(900)).filter((r) => r.startsWith("docker.io"));
    expect(first.length, "those under way and no more").toBeLessThanOrEqual(8);
    expect(told().filter((e) => first.includes(String(e.reference)))).toHaveLength(first.length);
    expect(await followed(first[0])).toMatchObject({ failures: 0 });
    expect(await followed(first[0])).not.toHaveProperty("problem");
    expect((await tick(2159)).every((r) => r.startsWith("ghcr.io"))).toBe(true);
    besides = () => ({});
    expect((await tick(1)).filter((r) => r.startsWith("docker.io"))).toHaveLength(40);
  });
});

describe("a tick", () => {
  it("asks one host for 240 tags and all hosts for 960, those not asked longest first, until all were asked", async () => {
    const hosts = ["a.example", "b.example", "c.example", "d.example", "e.example"];
    const all = hosts.flatMap((h) => Array.from({ length: 250 }, (_, i) => `${h}/team/i${i}:1`));
    await standOn(all);
    const seen = new Set<string>();
    for (let i = 0; i < 4; i++) {
      const now = await tick(60);
      expect(now.length).toBeLessThanOrEqual(960);
      for (const h of hosts) expect(now.filter((r) => r.startsWith(h)).length).toBeLessThanOrEqual(240);
      for (const r of now) {
        expect(seen.has(r), `${r} was asked for before others`).toBe(false);
        seen.add(r);
      }
    }
    expect(seen.size).toBe(all.length);
  });

  it("forgets what nothing stands on any more", async () => {
    await standOn([debian]);
    await known(d(1));
    await known(d(1), {}, "docker.io/library/old:1");
    await tick();
    const rows = await outside.rows.list(platformPartition, rangeOf("followed"), 10);
    expect(rows.map((r) => (r.value as Followed).reference)).toEqual([debian]);
  });

  it("goes on without a registry that cannot be had, and forgets nothing meanwhile", async () => {
    await standOn([debian]);
    await known(d(1), {}, "docker.io/library/of-beta:1");
    ports = { ...ports, registries: outside.registries(["acme", "beta", "gone"], ["gone"]) };
    expect(await tick()).toContain(debian);
    expect(await followed("docker.io/library/of-beta:1")).toBeDefined();
  });

  it("forgets nothing of a registry that can be had again before it ends", async () => {
    await known(d(1));
    const { registries } = ports;
    let finds = 0;
    const find = async (alias: string) => {
      if (alias === "beta" && finds++ === 0) throw new TransientError("ARM: 503");
      return registries.find(alias);
    };
    await standOn([debian], "beta");
    ports = { ...ports, registries: { aliases: registries.aliases, find } };
    await tick();
    expect(await followed()).toBeDefined();
  });

  it("doubts what a registry that is back in the platform file stands on, once: it missed what moved meanwhile", async () => {
    await standOn([debian]);
    await standOn([debian], "beta");
    await known(d(1));
    await tick(900);
    ports = { ...ports, registries: outside.registries(["acme"]) };
    await tick(900);
    expect(await followed(), "nobody is new").not.toHaveProperty("unsure");
    ports = { ...ports, registries: outside.registries(["acme", "beta"]) };
    expect(await tick(60)).toEqual([]);
    expect(await followed()).toMatchObject({ digest: d(1), unsure: true });
    await tick(900);
    expect(told()).toMatchObject([{ reference: debian, hint: d(1) }]);
    await known(d(1));
    await tick(900);
    expect(told()).toHaveLength(1);
  });

  it("doubts it although another registry cannot be had, and asks nobody sooner who wants to be left alone", async () => {
    const withGone = (...aliases: string[]) => outside.registries([...aliases, "gone"], ["gone"]);
    const notBefore = new Date(outside.now + 3 * 3_600_000).toISOString();
    await standOn([debian], "beta");
    await known(d(1), { notBefore });
    ports = { ...ports, registries: withGone("acme") };
    await tick();
    ports = { ...ports, registries: withGone("acme", "beta") };
    await tick(60);
    expect(await followed()).toMatchObject({ unsure: true, notBefore });
    expect(await tick(900)).toEqual([]);
  });

  it("leaves what somebody resolved meanwhile as it is", async () => {
    await standOn([debian]);
    await known(d(1));
    answer = () => {
      void known(d(2), { moves: 2 });
      return found(d(1));
    };
    await tick(900);
    expect(await followed()).toMatchObject({ digest: d(2), moves: 2 });
  });
});

describe("a reference too long for a key", () => {
  it("is asked for all the same", async () => {
    const long = `reg.example/${"team/".repeat(35)}base:${"t".repeat(128)}`;
    await standOn([long]);
    expect(await tick()).toEqual([long]);
    expect(await followed(long)).toBeDefined();
  });
});
