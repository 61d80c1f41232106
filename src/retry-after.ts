/**
 * Seconds of a `Retry-After` value (seconds or an HTTP date, RFC 9110 §10.2.3), rounded up, at least 1 and at most an hour;
 * undefined when absent or unreadable. The cap keeps a confused server from parking work for days.
 */
export function parseRetryAfter(value: string | null | undefined, nowMs: number): number | undefined {
  if (value === null || value === undefined || value.trim() === "") return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : (Date.parse(value) - nowMs) / 1000;
  if (Number.isNaN(seconds)) return undefined;
  return Math.min(3600, Math.max(1, Math.ceil(seconds)));
}
