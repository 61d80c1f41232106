import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { InvocationInput } from "../../../local/host/invocation.ts";
import { Timer } from "../../../local/host/timer.ts";
import type { TimerStatus } from "../../../local/host/timer-status.ts";

const START = new Date("2026-03-01T10:00:30Z");

beforeEach(() => {
  vi.useFakeTimers({ now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Info {
  Schedule: { AdjustForDST: boolean };
  ScheduleStatus: { Last: string; Next: string; LastUpdated: string } | null;
  IsPastDue: boolean;
}

function timer(options: {
  schedule: string;
  runOnStartup?: boolean;
  useMonitor?: boolean;
  stored?: TimerStatus;
  runs?: (count: number) => Promise<unknown>;
}) {
  const runs: { at: string; info: Info }[] = [];
  const written: TimerStatus[] = [];
  const made = new Timer({
    functionName: "t",
    trigger: {
      kind: "timer",
      bindingName: "t",
      schedule: options.schedule,
      runOnStartup: options.runOnStartup ?? false,
      useMonitor: options.useMonitor ?? true,
    },
    status: {
      read: async () => options.stored,
      write: async (status) => {
        written.push(status);
      },
    },
    log() {},
    async run(input: InvocationInput) {
      runs.push({ at: new Date().toISOString(), info: JSON.parse(input.data.json ?? "") as Info });
      await options.runs?.(runs.length);
    },
  });
  return { made, runs, written };
}

const elapse = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

describe("timer", () => {
  test("a new timer waits for its next occurrence and notes it", async () => {
    const { made, runs, written } = timer({ schedule: "0 */5 * * * *" });
    await made.start();
    expect(written).toEqual([{ last: undefined, next: new Date("2026-03-01T10:05:00Z"), lastUpdated: START }]);
    await elapse(269);
    expect(runs).toEqual([]);
    await elapse(301);
    expect(runs.map((run) => run.at)).toEqual(["2026-03-01T10:05:00.000Z", "2026-03-01T10:10:00.000Z"]);
    expect(runs[0]?.info).toEqual({
      Schedule: { AdjustForDST: true },
      ScheduleStatus: {
        Last: "0001-01-01T00:00:00",
        Next: "2026-03-01T10:05:00.000Z",
        LastUpdated: START.toISOString(),
      },
      IsPastDue: false,
    });
    expect(written.at(-1)).toEqual({
      last: new Date("2026-03-01T10:10:00Z"),
      next: new Date("2026-03-01T10:15:00Z"),
      lastUpdated: new Date("2026-03-01T10:10:00Z"),
    });
  });

  test("several missed occurrences are one run, past due, at once", async () => {
    const last = new Date("2026-03-01T08:00:00Z");
    const stored = { last, next: new Date("2026-03-01T08:05:00Z"), lastUpdated: last };
    const { made, runs } = timer({ schedule: "0 */5 * * * *", stored });
    await made.start();
    await elapse(1);
    expect(runs.map((run) => [run.at, run.info.IsPastDue])).toEqual([["2026-03-01T10:00:30.001Z", true]]);
    await elapse(270);
    expect(runs.map((run) => run.info.IsPastDue)).toEqual([true, false]);
  });

  test("a timer that never ran is past due too once its first occurrence was missed", async () => {
    const stored = {
      last: undefined,
      next: new Date("2026-03-01T08:05:00Z"),
      lastUpdated: new Date("2026-03-01T08:01:00Z"),
    };
    const { made, runs } = timer({ schedule: "0 */5 * * * *", stored });
    await made.start();
    await elapse(1);
    expect(runs.map((run) => run.info.IsPastDue)).toEqual([true]);
  });

  test("a changed schedule is not past due", async () => {
    const last = new Date("2026-03-01T08:00:00Z");
    const stored = { last, next: new Date("2026-03-01T08:30:00Z"), lastUpdated: last };
    const { made, runs, written } = timer({ schedule: "0 */5 * * * *", stored });
    await made.start();
    await elapse(1);
    expect(runs).toEqual([]);
    expect(written.map((status) => status.next)).toEqual([new Date("2026-03-01T10:05:00Z")]);
  });

  test("runOnStartup runs at once, not past due, and the schedule goes on", async () => {
    const { made, runs } = timer({ schedule: "0 */5 * * * *", runOnStartup: true });
    await made.start();
    await elapse(1);
    expect(runs.map((run) => run.info.IsPastDue)).toEqual([false]);
    await elapse(270);
    expect(runs).toHaveLength(2);
  });

  test("keeps no status when it fires more than once a minute, or is told not to", async () => {
    for (const options of [{ schedule: "*/10 * * * * *" }, { schedule: "0 */5 * * * *", useMonitor: false }]) {
      const { made, runs, written } = timer(options);
      await made.start();
      await elapse(600);
      expect(runs[0]?.info.ScheduleStatus).toBe(null);
      expect(written).toEqual([]);
      made.stop();
    }
  });

  test("never overlaps itself, not even when fired by hand; a failure does not stop it", async () => {
    let running = 0;
    let most = 0;
    const { made, runs } = timer({
      schedule: "0 * * * * *",
      async runs(count) {
        running += 1;
        most = Math.max(most, running);
        await new Promise((done) => setTimeout(done, 90_000));
        running -= 1;
        if (count === 1) throw new Error("the first one fails");
      },
    });
    await made.start();
    await elapse(31);
    expect(runs).toHaveLength(1);
    const byHand = made.fire("by hand");
    await elapse(300);
    await byHand;
    expect(most).toBe(1);
    expect(runs.length).toBeGreaterThanOrEqual(3);
    made.stop();
  });

  test("does nothing more once it is stopped", async () => {
    const { made, runs } = timer({ schedule: "00:01:00" });
    await made.start();
    await elapse(61);
    expect(runs.map((run) => run.info.Schedule.AdjustForDST)).toEqual([false]);
    made.stop();
    await elapse(300);
    expect(runs).toHaveLength(1);
  });
});
