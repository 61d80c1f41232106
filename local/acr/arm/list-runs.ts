import type { Context } from "hono";
import type { Bindings } from "../../http.ts";
import type { RunRecord } from "../run-record.ts";
import { badRequest } from "./arm-error.ts";
import type { RegistryContext } from "./registry-context.ts";
import { parseRunFilter } from "./run-filter.ts";
import { runResource } from "./run-resource.ts";

interface Place {
  /** Runs with a smaller sequence number follow. */
  readonly before: number;
  /** How much of `$top` is still owed. */
  readonly left?: number;
}

/**
 * Newest first. `$top` limits the whole list, as the reference says; pages may be shorter, and the last has no nextLink.
 * A page is a cut through time: runs scheduled meanwhile do not shift the ones after it.
 */
export function listRuns(c: Context<Bindings>, registry: RegistryContext): Response {
  const filterText = c.req.query("$filter");
  const filter = filterText ? parseRunFilter(filterText) : () => true;
  const place = readPlace(c.req.query("$skiptoken"), c.req.query("$top"));
  const size = Math.min(registry.listPageSize, place.left ?? Number.POSITIVE_INFINITY);

  const matching = registry.state.runs.filter((run) => run.sequence < place.before && filter(run)).reverse();
  const page = matching.slice(0, size);
  const left = place.left === undefined ? undefined : place.left - page.length;
  const more = matching.length > page.length && left !== 0;
  return c.json({
    value: page.map((run) => runResource(run, registry)),
    ...(more && { nextLink: nextLink(c, page, left) }),
  });
}

function readPlace(token: string | undefined, top: string | undefined): Place {
  if (token !== undefined) return decode(token);
  if (top === undefined) return { before: Number.POSITIVE_INFINITY };
  if (!/^[1-9]\d*$/.test(top)) throw badRequest("The value of $top must be a positive whole number.");
  return { before: Number.POSITIVE_INFINITY, left: Number(top) };
}

function nextLink(c: Context<Bindings>, page: readonly RunRecord[], left: number | undefined): string {
  const url = new URL(c.req.url);
  const place: Place = { before: page.at(-1)!.sequence, ...(left !== undefined && { left }) };
  url.searchParams.set("$skiptoken", Buffer.from(JSON.stringify(place)).toString("base64url"));
  return url.href;
}

function decode(token: string): Place {
  const place = parsed(Buffer.from(token, "base64url").toString("utf8"));
  if (!isPlace(place)) throw badRequest("The $skiptoken is invalid.");
  return place;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPlace(value: unknown): value is Place {
  const { before, left = 1 } = (value ?? {}) as Readonly<Partial<Record<keyof Place, unknown>>>;
  return [before, left].every((count) => Number.isSafeInteger(count) && (count as number) > 0);
}
