import type { GitHubAuth } from "./auth.ts";
import { send } from "./call.ts";
import { nextPage, type Request } from "./github-http.ts";
import { Deliveries } from "./schema.ts";

/** A delivery nobody took. `id` is one attempt of it, to be asked for again; `guid` is what X-GitHub-Delivery says. */
export interface FailedDelivery {
  readonly id: string;
  readonly guid: string;
}

/** GitHub gives 100 attempts a page. What is older than all of these the refs have to tell. */
const pageLimit = 100;

/**
 * The App's deliveries since then of which no attempt succeeded, newest first; the newest 10,000 attempts are looked through.
 * GitHub never retries by itself and can resend for three days.
 * https://docs.github.com/webhooks/using-webhooks/automatically-redelivering-failed-deliveries-for-a-github-app-webhook
 */
export async function failedDeliveries(
  request: Request,
  auth: GitHubAuth,
  apiUrl: string,
  sinceIso: string,
): Promise<FailedDelivery[]> {
  const since = Date.parse(sinceIso);
  const attemptsByGuid = new Map<string, { newestId: string; taken: boolean }>();
  let path: string | undefined = "/app/hook/deliveries?per_page=100";
  for (let page = 0; path !== undefined && page < pageLimit; page++) {
    const token = await auth.appToken();
    if (token === undefined) return [];
    const answer = await send(request, token.expose(), { path });
    const attempts = Deliveries.parse(answer.data);
    for (const { id, guid, status_code, delivered_at } of attempts) {
      const taken = typeof status_code === "number" && status_code >= 200 && status_code < 300;
      const seen = attemptsByGuid.get(guid);
      if (seen) seen.taken ||= taken;
      else if (Date.parse(delivered_at) >= since) attemptsByGuid.set(guid, { newestId: id, taken });
    }
    const reachedOlder = attempts.some((attempt) => Date.parse(attempt.delivered_at) < since);
    path = reachedOlder ? undefined : nextPage(answer.headers.link, apiUrl);
  }
  return [...attemptsByGuid].flatMap(([guid, { newestId, taken }]) => (taken ? [] : [{ id: newestId, guid }]));
}

/** Asks GitHub to send a delivery again; it comes with the same GUID. Does nothing with a PAT. */
export async function redeliver(request: Request, auth: GitHubAuth, id: string): Promise<void> {
  const token = await auth.appToken();
  if (token === undefined) return;
  const path = `/app/hook/deliveries/${encodeURIComponent(id)}/attempts`;
  await send(request, token.expose(), { method: "POST", path });
}
