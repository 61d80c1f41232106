import { Cron } from "croner";
import { parseTimeSpan } from "./time-span.ts";

export interface TimerSchedule {
  /** The first occurrence after `from`, exclusive. */
  next(from: Date): Date;
  /** As the timer handler sees it in `schedule`. */
  readonly adjustForDst: boolean;
  /** Fires more than once a minute somewhere in its next occurrences: the real host then keeps no status. */
  isTooFrequentToMonitor(from: Date): boolean;
}

/** What NCrontab reads in a field. croner knows more (`L`, `#`, `W`, `?`, 7 for Sunday) that Azure would refuse. */
const FIELD = /^(\*|\d+|[a-z]{3})(-(\d+|[a-z]{3}))?(\/\d+)?(,(\*|\d+|[a-z]{3})(-(\d+|[a-z]{3}))?(\/\d+)?)*$/i;

/**
 * A timer trigger's schedule: NCRONTAB with six fields (seconds first) or five, in UTC as in Azure, or a TimeSpan
 * (https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions).
 */
export function parseTimerSchedule(text: string): TimerSchedule {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) {
    const interval = fields.length === 1 ? parseTimeSpan(text) : undefined;
    if (interval !== undefined && interval > 0) return constantSchedule(interval);
    throw new Error(`schedule ${JSON.stringify(text)} is neither NCRONTAB with 5 or 6 fields nor a TimeSpan`);
  }
  const wrong = fields.find((field) => !FIELD.test(field));
  if (wrong) throw new Error(`schedule ${JSON.stringify(text)}: NCRONTAB has no field ${JSON.stringify(wrong)}`);
  if (/(^|\D)7(\D|$)/.test(fields.at(-1) ?? "")) {
    throw new Error(`schedule ${JSON.stringify(text)}: days of the week are 0 to 6, Sunday is 0`);
  }
  return cronSchedule(text.trim());
}

function cronSchedule(pattern: string): TimerSchedule {
  let cron: Cron;
  try {
    // NCrontab wants both day fields to match, not either.
    cron = new Cron(pattern, { timezone: "UTC", mode: "5-or-6-parts", domAndDow: true, paused: true });
  } catch (cause) {
    throw new Error(`schedule ${JSON.stringify(pattern)} is not NCRONTAB`, { cause });
  }
  if (!cron.nextRun()) throw new Error(`schedule ${JSON.stringify(pattern)} never fires`);
  return {
    adjustForDst: true,
    next(from) {
      const found = cron.nextRun(from);
      if (!found) throw new Error(`schedule ${JSON.stringify(pattern)} has no occurrence after ${from.toISOString()}`);
      return found;
    },
    isTooFrequentToMonitor(from) {
      const occurrences = cron.nextRuns(10, from);
      return occurrences.some((date, at) => at > 0 && date.getTime() - (occurrences[at - 1]?.getTime() ?? 0) < 60_000);
    },
  };
}

function constantSchedule(interval: number): TimerSchedule {
  return {
    adjustForDst: false,
    next: (from) => new Date(from.getTime() + interval),
    isTooFrequentToMonitor: () => interval < 60_000,
  };
}
