import { setTimeout as sleep } from "node:timers/promises";

/** Far above what any step takes, and below a story's own limit: one that gets here has failed, and says what it was waiting for. */
const patienceMs = 200_000;
const pauseMs = 100;

/** Asks again until there is an answer. The only way stories wait: no fixed sleep is long enough on a busy machine. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  options: { readonly patienceMs?: number; readonly orElse?: () => string } = {},
): Promise<T> {
  const end = performance.now() + (options.patienceMs ?? patienceMs);
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`waited in vain until ${what}${options.orElse?.() ?? ""}`);
    await sleep(pauseMs);
  }
}
