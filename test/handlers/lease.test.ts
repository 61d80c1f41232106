import { beforeEach, describe, expect, it } from "vitest";
import { keys } from "../../src/core/state/keys.ts";
import { type HeldLease, LeaseLost, leaseSeconds, takeLease } from "../../src/handlers/lease.ts";
import { Outside } from "./outside.ts";

const partition = "acme@1";
let outside: Outside;
let logged: unknown[];
beforeEach(() => {
  outside = new Outside();
  logged = [];
});
const log = (message: string, fields: Record<string, unknown>) => void logged.push({ message, ...fields });

async function take(holder: string, nudge?: string): Promise<HeldLease> {
  const taken = await takeLease({ rows: outside.rows, log }, partition, holder, nudge);
  if (taken.kind !== "held") throw new Error(taken.why);
  return taken.lease;
}
const tryTake = async (holder: string, nudge?: string) => {
  const taken = await takeLease({ rows: outside.rows, log }, partition, holder, nudge);
  return taken.kind === "held" ? "held" : taken.why;
};
const wakeUp = (token: string) => outside.put(partition, { [keys.wake]: { token } });
const wake = async () => {
  const { row } = await outside.rows.read(partition, keys.wake);
  return row && { token: (row.value as { token: string }).token, etag: row.etag };
};

describe("two who want the lease", () => {
  it("get it one at a time, also when there was never a pass before", async () => {
    const taken = await Promise.all([tryTake("a"), tryTake("b"), tryTake("c")]);
    expect(taken.filter((t) => t === "held")).toHaveLength(1);
  });

  it("get it one at a time when it has expired", async () => {
    await take("dead");
    outside.now += leaseSeconds * 1000;
    const taken = await Promise.all([tryTake("a"), tryTake("b")]);
    expect(taken.toSorted()).toEqual(["another pass has just begun", "held"]);
  });
});

describe("a held lease", () => {
  it("expires by the service's clock alone, counted from its last write", async () => {
    const lease = await take("a");
    outside.now += leaseSeconds * 1000 - 1;
    expect(await tryTake("b")).toBe("a pass is under way");
    await lease.commit([{ key: "k", value: 1 }]);
    outside.now += leaseSeconds * 1000 - 1;
    expect(await tryTake("b")).toBe("a pass is under way");
    outside.now += 1;
    expect(await tryTake("b")).toBe("held");
  });

  it("that was taken over cannot write anything any more", async () => {
    const slow = await take("slow");
    outside.now += leaseSeconds * 1000;
    await take("next");
    await expect(slow.commit([{ key: "k", value: "late" }])).rejects.toThrow(LeaseLost);
    expect(await outside.value(partition, "k")).toBeUndefined();
    await expect(slow.release(undefined, undefined)).rejects.toThrow(LeaseLost);
    await slow.letGo();
    expect(await outside.value(partition, keys.lease)).toMatchObject({ holder: "next" });
  });

  it("writes all of a change or nothing of it", async () => {
    const lease = await take("a");
    outside.rows.beforeWrite = () => {
      throw new Error("storage is down");
    };
    await expect(
      lease.commit([
        { key: "x", value: 1 },
        { key: "y", value: 2 },
      ]),
    ).rejects.toThrow();
    outside.rows.beforeWrite = () => {};
    expect(Object.keys(outside.rows.dump(partition))).toEqual([keys.lease]);
  });

  it("goes on when a row to remove was already gone, and says so", async () => {
    const lease = await take("a");
    await lease.commit([
      { key: "never there", value: undefined },
      { key: "k", value: 1 },
    ]);
    expect(await outside.value(partition, "k")).toBe(1);
    expect(logged).toEqual([{ message: "a row to remove was already gone", partition, key: "never there" }]);
    await lease.commit([{ key: "k", value: undefined }]);
    expect(await outside.value(partition, "k")).toBeUndefined();
  });
});

describe("releasing", () => {
  it("leaves the lease free and remembers what was seen and the one next nudge", async () => {
    await wakeUp("w1");
    const lease = await take("a");
    expect(await lease.release(await wake(), { id: "n1", at: "2026-11-23T12:05:00Z" })).toBe(true);
    expect(await outside.value(partition, keys.lease)).toMatchObject({
      holder: "",
      seenWake: "w1",
      nudge: { id: "n1" },
    });
  });

  it("is refused when somebody asked for attention meanwhile, and can be tried again", async () => {
    await wakeUp("w1");
    const lease = await take("a");
    const seen = await wake();
    await wakeUp("w2");
    expect(await lease.release(seen, undefined)).toBe(false);
    await lease.commit([{ key: "k", value: "still ours" }]);
    expect(await lease.release(await wake(), undefined)).toBe(true);
  });

  it("is refused when the first word ever arrived meanwhile", async () => {
    const lease = await take("a");
    await wakeUp("w1");
    expect(await lease.release(undefined, undefined)).toBe(false);
  });

  it("after a failure leaves the news unseen, so that the retried nudge is not dropped", async () => {
    await wakeUp("w1");
    await (await take("a")).letGo();
    expect(await tryTake("b")).toBe("held");
  });
});

describe("a nudge", () => {
  const rest = async (nudge?: { id: string; at: string }) => {
    await wakeUp("w1");
    await (await take("a")).release(await wake(), nudge);
  };

  it("with nothing new is dropped", async () => {
    await rest();
    expect(await tryTake("b")).toBe("nothing new");
  });

  it("with news is followed, whoever sent it", async () => {
    await rest();
    await wakeUp("w2");
    expect(await tryTake("b")).toBe("held");
  });

  it("that the last pass left behind is followed, an older one is dropped", async () => {
    await rest({ id: "n2", at: "" });
    expect(await tryTake("b", "n1")).toBe("nothing new");
    expect(await tryTake("b", "n2")).toBe("held");
  });

  it("after a pass that died is followed without news: its work is unfinished", async () => {
    await rest();
    await wakeUp("w2");
    await take("dies");
    outside.now += leaseSeconds * 1000;
    expect(await tryTake("b")).toBe("held");
  });
});
