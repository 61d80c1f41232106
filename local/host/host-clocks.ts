import { parseTimeSpan } from "./time-span.ts";

/** A clock of the real host that can go otherwise here. */
interface Clock {
  readonly flag: string;
  /** In words, given the time it is set to. */
  readonly what: (text: string) => string;
  /** What Azure has, in words. */
  readonly real: string;
  readonly valid: (milliseconds: number) => boolean;
  readonly rule: string;
}

const positive = { valid: (milliseconds: number) => milliseconds > 0, rule: "must be longer than nothing" };
const any = { valid: (milliseconds: number) => milliseconds >= 0, rule: "must not be negative" };
const seconds = (milliseconds: number) => milliseconds % 1_000 === 0;

export const CLOCKS = {
  maxPollingInterval: {
    flag: "max-polling-interval",
    what: (text) => `an empty queue is asked at least every ${text}`,
    real: "host.json's maxPollingInterval",
    ...positive,
  },
  receiveVisibility: {
    flag: "receive-visibility",
    what: (text) => `a received message is invisible for ${text}`,
    real: "10 min",
    valid: (milliseconds) => milliseconds >= 1_000 && seconds(milliseconds),
    rule: "must be whole seconds: the queue service counts in seconds",
  },
  timerLock: {
    flag: "timer-lock",
    what: (text) => (text === "0 s" ? "timers take no lock" : `a killed host's timers stay locked for ${text}`),
    real: "1 min",
    valid: (milliseconds) =>
      milliseconds === 0 || (milliseconds >= 15_000 && milliseconds <= 60_000 && seconds(milliseconds)),
    rule: "must be whole seconds, 15 to 60 as for every blob lease, or 00:00:00 for no lock",
  },
  timerLockPoll: {
    flag: "timer-lock-poll",
    what: (text) => `a locked timer is tried again every ${text}`,
    real: "1 min",
    ...positive,
  },
  restartInterval: {
    flag: "restart-interval",
    what: (text) => `a crashing worker is restarted every ${text}`,
    real: "10 s",
    ...any,
  },
  drain: {
    flag: "drain",
    what: (text) => `what runs at a stop is waited for ${text}`,
    real: "not known; 10 s when not given",
    ...any,
  },
} as const satisfies Record<string, Clock>;

/** Milliseconds of the clocks that were set. */
export type HostClocks = Partial<Record<keyof typeof CLOCKS, number>>;

const entries = Object.entries(CLOCKS) as [keyof typeof CLOCKS, Clock][];

export const clockOptions = Object.fromEntries(entries.map(([, { flag }]) => [flag, { type: "string" as const }]));

/** Reads the clocks among parsed flags; values are TimeSpans. */
export function clocksFrom(values: Readonly<Record<string, unknown>>): HostClocks {
  return Object.fromEntries(
    entries.flatMap(([name, { flag, valid, rule }]) => {
      const text = values[flag];
      if (typeof text !== "string") return [];
      const milliseconds = parseTimeSpan(text);
      if (milliseconds === undefined) throw new Error(`--${flag} ${text} is not a time span hh:mm:ss[.fff]`);
      if (!valid(milliseconds)) throw new Error(`--${flag} ${text} ${rule}`);
      return [[name, milliseconds]];
    }),
  );
}

/** A sentence for each clock that does not go as on Azure. */
export function describeClocks(clocks: HostClocks): string[] {
  return entries.flatMap(([name, { what, real }]) => {
    const set = clocks[name];
    return set === undefined ? [] : [`${what(`${set / 1000} s`)} (Azure: ${real})`];
  });
}
