import type { RunningHost } from "../host/start-host.ts";

export interface SupervisedTwin {
  host(): RunningHost;
  startHost(): Promise<RunningHost>;
}

export interface HostSupervisor {
  /** Stops the host in order and starts it again at once, as after a rebuild. */
  restart(): Promise<void>;
  /** From now on a host that ends stays ended; settles when no start is under way. */
  release(): Promise<void>;
}

/** A host that lived this long had come up; the next crash is a first one again. */
const healthyAfter = 60_000;
const firstDelay = 1_000;
const longestDelay = 30_000;

/** How long to wait before the n-th start in a row, n from 1, in milliseconds. */
export function backOff(failures: number): number {
  return Math.min(longestDelay, firstDelay * 2 ** (failures - 1));
}

/** Starts the host again whenever it ends by itself, later each time. */
export function superviseHost(
  twin: SupervisedTwin,
  tell: { readonly onNotice: (text: string) => void; readonly onStarted: (host: RunningHost) => void },
): HostSupervisor {
  let released = false;
  let failures = 0;
  let expected = false;
  let wake = (): void => {};
  let work: Promise<void> = Promise.resolve();

  const follow = (host: RunningHost): void => {
    const since = Date.now();
    void host.exited.then(
      ({ code, signal }) => {
        if (released || expected) return;
        if (Date.now() - since > healthyAfter) failures = 0;
        work = startAgain(`the Functions host ended (${signal ?? `exit code ${code}`})`);
      },
      // It never started; whoever started it knows.
      () => {},
    );
  };

  const startAgain = async (what: string): Promise<void> => {
    for (let why = what; !released; ) {
      failures += 1;
      const wait = backOff(failures);
      tell.onNotice(`${why}; starting it again in ${wait / 1000} s`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (released) return;
      try {
        await start();
        return;
      } catch (error) {
        why = firstLine(error);
      }
    }
  };

  const start = async (): Promise<void> => {
    const host = await twin.startHost();
    tell.onStarted(host);
    follow(host);
    tell.onNotice(`the Functions host is up again (process id ${host.pid})`);
  };

  follow(twin.host());
  return {
    restart: () => {
      wake();
      // One after the other: a rebuild may follow while the host of the one before is still stopping.
      work = work.then(async () => {
        if (released) return;
        expected = true;
        await twin.host().stop();
        expected = false;
        failures = 0;
        await start().catch((error) => startAgain(firstLine(error)));
      });
      return work;
    },
    release: async () => {
      released = true;
      wake();
      await work.catch(() => {});
    },
  };
}

function firstLine(error: unknown): string {
  return (error as Error).message.split("\n")[0] ?? "";
}
