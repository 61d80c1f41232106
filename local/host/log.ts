import type { LogLevel } from "./core-types.ts";

/** One line of the host's log. `category` follows the real host: `Function.<name>.User`, `Host.General`, `Host.Triggers`. */
export interface LogEntry {
  readonly time: string;
  readonly level: LogLevel;
  readonly category: string;
  readonly message: string;
  readonly function?: string;
  readonly invocationId?: string;
  /** Which of several hosts said it, where there are several. */
  readonly instance?: string;
}

export type LogFields = Pick<LogEntry, "function" | "invocationId">;
export type Log = (level: LogLevel, category: string, message: string, fields?: LogFields) => void;

const ORDER: readonly LogLevel[] = ["trace", "debug", "information", "warning", "error", "critical", "none"];

/**
 * Writes JSON lines, keeping those that host.json's `logging.logLevel` lets through: the longest category prefix wins,
 * then `default`, then Information, as in the real host.
 */
export function createLog(write: (line: string) => void, levels: () => Readonly<Record<string, LogLevel>>): Log {
  return (level, category, message, fields) => {
    if (ORDER.indexOf(level) < ORDER.indexOf(lowestLevel(levels(), category))) return;
    const entry: LogEntry = { time: new Date().toISOString(), level, category, message, ...fields };
    write(JSON.stringify(entry) + "\n");
  };
}

function lowestLevel(levels: Readonly<Record<string, LogLevel>>, category: string): LogLevel {
  const prefixes = Object.keys(levels).filter((key) => category === key || category.startsWith(key + "."));
  const longest = prefixes.sort((a, b) => b.length - a.length)[0];
  return (longest === undefined ? levels.default : levels[longest]) ?? "information";
}

/** Level names are written capitalised in host.json. */
export function parseLogLevel(text: string): LogLevel | undefined {
  return ORDER.find((level) => level === text.toLowerCase());
}

export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? text : `${text}\ncaused by ${describeError(error.cause)}`;
}
