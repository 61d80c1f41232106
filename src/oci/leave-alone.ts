import { parseRetryAfter } from "../retry-after.ts";
import type { RegistryAnswer } from "./registry-http.ts";

/** After a 429 that does not say how long. */
const throttledSeconds = 60;
/** The part of a budget that stays with others: an app shares its address, and whoever pulls from there needs it more than we do. */
const reserve = 0.1;

/**
 * Seconds an answer asks us to leave its host alone; undefined when it does not. Docker Hub says `ratelimit-limit: 100;w=21600`
 * and `ratelimit-remaining: 9;w=21600`, in pulls and seconds: https://docs.docker.com/docker-hub/usage/pulls/. When no more
 * than the reserve is left, we come back after that part of the window, in which about as much has come back too.
 */
export function leaveAloneSeconds({ status, headers }: RegistryAnswer): number | undefined {
  const asked = parseRetryAfter(headers.get("retry-after"), Date.now());
  return asked ?? budgetSeconds(headers) ?? (status === 429 ? throttledSeconds : undefined);
}

function budgetSeconds(headers: Headers): number | undefined {
  const [limit, left] = [headers.get("ratelimit-limit"), headers.get("ratelimit-remaining")].map(partsOf);
  if (!limit?.window || !left || left.count > limit.count * reserve) return undefined;
  return parseRetryAfter(String(limit.window * reserve), 0);
}

function partsOf(header: string | null): { readonly count: number; readonly window: number } | undefined {
  const parts = /^\s*(\d{1,9})\s*(?:;\s*w=(\d{1,9})\s*)?$/.exec(header ?? "");
  return parts ? { count: Number(parts[1]), window: Number(parts[2] ?? 0) } : undefined;
}
