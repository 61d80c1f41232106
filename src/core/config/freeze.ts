import type { FreezeWindow } from "./platform.ts";

const minute = 60_000;
const week = 7 * 24 * 60 * minute;
/** 1970-01-05 00:00 UTC, a Monday. */
const aMonday = 4 * 24 * 60 * minute;

/** The freeze that is on at a moment, and when it ends (both milliseconds since the epoch); of several the one that ends last. */
export function frozenAt(
  windows: readonly FreezeWindow[],
  now: number,
): { readonly until: number; readonly why: string } | undefined {
  const open = windows.flatMap((window) => {
    const until = endOf(window, now);
    return until === undefined ? [] : [{ until, why: window.why }];
  });
  return open.sort((a, b) => b.until - a.until)[0];
}

function endOf(window: FreezeWindow, now: number): number | undefined {
  if (window.kind === "once") return window.from <= now && now < window.until ? window.until : undefined;
  const intoWeek = (((now - aMonday) % week) + week) % week;
  const from = window.from * minute;
  const lasts = ((window.until - window.from) * minute + week) % week || week;
  // Since its last beginning, which may have been last week.
  const since = (intoWeek - from + week) % week;
  return since < lasts ? now - since + lasts : undefined;
}
