import { setTimeout as sleep } from "node:timers/promises";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context } from "hono";
import type { Bindings } from "./http.ts";

/** What happens to the next requests of a kind. Plain data: push it to a server's `faults`, take it out again at any time. */
export interface HttpFault {
  /** How many requests meet it; a fault that is used up leaves the list. */
  times: number;
  /** Only this method, and only paths (with query) containing this text. */
  method?: string;
  path?: string;
  /** Milliseconds to wait first. */
  delayMs?: number;
  /** Answered instead of the truth; together with `after` the request takes effect all the same. */
  status?: number;
  /** Seconds, sent as Retry-After with `status`; none is sent unless said. */
  retryAfter?: number;
  /** The connection is cut instead of an answer. */
  cut?: boolean;
  /** Do what was asked, then misbehave: the caller cannot tell that it was done. */
  after?: boolean;
  /** Headers left out of the answer, for instance Docker-Content-Digest, which the spec does not promise. */
  omit?: string[];
}

/** How a server words a status that a fault wants. */
export type Refusal = (status: number, retryAfter?: number) => Response;

/** Answers as the server does, or as a fault wants it. `faults` is read anew for each request. */
export function misbehaving(faults: () => HttpFault[], refusal: Refusal) {
  return async (c: Context<Bindings>, next: () => Promise<void>): Promise<void> => {
    const fault = take(faults(), c.req.method, c.req.url);
    if (!fault) return next();
    if (fault.delayMs) await sleep(fault.delayMs);
    const spoils = fault.cut === true || fault.status !== undefined;
    if (!spoils || fault.after) {
      await next();
      for (const header of fault.omit ?? []) c.res.headers.delete(header);
      if (!spoils) return;
      await c.res.body?.cancel();
    } else {
      c.env.incoming.resume();
    }
    // Emptied first, or Hono adds the headers of the answer that is replaced.
    c.res = undefined;
    if (fault.cut) {
      c.env.incoming.socket.destroy();
      c.res = RESPONSE_ALREADY_SENT;
    } else c.res = refusal(fault.status!, fault.retryAfter);
  };
}

/** The first fault that concerns the request, used up by one. */
function take(faults: HttpFault[], method: string, url: string): HttpFault | undefined {
  const at = faults.findIndex(
    ({ times, method: only, path = "" }) =>
      times > 0 && (only === undefined || only === method) && url.slice(url.indexOf("/", 8)).includes(path),
  );
  const fault = faults[at];
  if (!fault) return undefined;
  fault.times -= 1;
  if (fault.times <= 0) faults.splice(at, 1);
  return fault;
}
