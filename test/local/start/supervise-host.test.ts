import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { HostExit, RunningHost } from "../../../local/host/start-host.ts";
import { backOff, superviseHost } from "../../../local/start/supervise-host.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A host that ends when it is told to. */
function fakeHost(pid: number): RunningHost & { end(exit: HostExit): void } {
  let end = (_: HostExit): void => {};
  const exited = new Promise<HostExit>((resolve) => {
    end = resolve;
  });
  const finish = async (signal: NodeJS.Signals) => {
    end({ code: null, signal });
    await exited;
  };
  return {
    url: "",
    pid,
    workerPid: () => 0,
    exited,
    stop: () => finish("SIGTERM"),
    kill: () => finish("SIGKILL"),
    end,
  };
}

function supervised() {
  const notices: string[] = [];
  const started: number[] = [];
  const hosts = [fakeHost(1)];
  const failing: string[] = [];
  const supervisor = superviseHost(
    {
      host: () => hosts.at(-1)!,
      startHost: async () => {
        const message = failing.shift();
        if (message !== undefined) throw new Error(message);
        const host = fakeHost(hosts.length + 1);
        hosts.push(host);
        return host;
      },
    },
    { onNotice: (text) => notices.push(text), onStarted: ({ pid }) => started.push(pid) },
  );
  return { supervisor, notices, started, hosts, failing };
}

test("waits longer after each failure in a row, up to half a minute", () => {
  expect([1, 2, 3, 4, 5, 6, 7].map(backOff)).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000]);
});

test("a host that ends is started again, and so is the next", async () => {
  const { hosts, notices, started } = supervised();
  hosts[0]!.end({ code: 1, signal: null });
  await vi.advanceTimersByTimeAsync(999);
  expect(started).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(started).toEqual([2]);
  hosts[1]!.end({ code: null, signal: "SIGKILL" });
  await vi.advanceTimersByTimeAsync(2000);
  expect(started).toEqual([2, 3]);
  expect(notices).toEqual([
    "the Functions host ended (exit code 1); starting it again in 1 s",
    "the Functions host is up again (process id 2)",
    "the Functions host ended (SIGKILL); starting it again in 2 s",
    "the Functions host is up again (process id 3)",
  ]);
});

test("a host that lived for a while begins anew with the shortest wait", async () => {
  const { hosts, notices } = supervised();
  hosts[0]!.end({ code: 1, signal: null });
  await vi.advanceTimersByTimeAsync(1000);
  await vi.advanceTimersByTimeAsync(61_000);
  hosts[1]!.end({ code: 1, signal: null });
  await vi.advanceTimersByTimeAsync(0);
  expect(notices.at(-1)).toMatch(/in 1 s$/);
});

test("a start that fails is tried again, with its first line as the reason", async () => {
  const { hosts, notices, started, failing } = supervised();
  failing.push("port 7071 is taken\n    at somewhere");
  hosts[0]!.end({ code: 1, signal: null });
  await vi.advanceTimersByTimeAsync(1000);
  expect(notices.at(-1)).toBe("port 7071 is taken; starting it again in 2 s");
  await vi.advanceTimersByTimeAsync(2000);
  expect(started).toEqual([2]);
});

test("a restart that was asked for stops the old one first and waits for nothing", async () => {
  const { supervisor, hosts, started, notices } = supervised();
  await supervisor.restart();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await hosts[0]!.exited).toEqual({ code: null, signal: "SIGTERM" });
  expect(started).toEqual([2]);
  expect(notices).toEqual(["the Functions host is up again (process id 2)"]);
});

test("two restarts at once are one after the other, and leave one host", async () => {
  const { supervisor, hosts, started } = supervised();
  await Promise.all([supervisor.restart(), supervisor.restart()]);
  expect(started).toEqual([2, 3]);
  expect(await hosts[1]!.exited).toEqual({ code: null, signal: "SIGTERM" });
});

test("once released nothing is started any more, not even what was waited for", async () => {
  const { supervisor, hosts, started } = supervised();
  hosts[0]!.end({ code: 1, signal: null });
  await vi.advanceTimersByTimeAsync(500);
  await supervisor.release();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started).toEqual([]);
});
