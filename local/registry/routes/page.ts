import { RegistryError } from "../registry-error.ts";
import type { RouteCall } from "./route.ts";

/** What ACR gives when `n` is not said, and the most it gives. */
const pageSize = { initial: 100, most: 1000 };

export interface Page<T> {
  readonly items: readonly T[];
  /** A Link header (RFC 8288) when there is more. */
  readonly headers: Readonly<Record<string, string>>;
}

/** `n` names from the one after `last`, in byte order. */
export function pageOfNames(c: RouteCall["c"], names: readonly string[]): Page<string> {
  const { last, size } = wanted(c);
  return page(
    c,
    size,
    names.filter((name) => name > last),
    (name) => name,
  );
}

interface Timed {
  readonly lastUpdateTime: string;
}

/**
 * The same for ACR's lists, which `orderby` can sort by time, `timeasc` or `timedesc`. After `last` that is no longer
 * there the list begins anew: a purge that deletes what it was shown goes on with what is left.
 */
export function pageOfTimed<T extends Timed>(
  c: RouteCall["c"],
  items: readonly T[],
  nameOf: (item: T) => string,
): Page<T> {
  const { last, size } = wanted(c);
  const order = c.req.query("orderby") || "none";
  const byName = [...items].sort((a, b) => compare(nameOf(a), nameOf(b)));
  if (order === "none")
    return page(
      c,
      size,
      byName.filter((item) => nameOf(item) > last),
      nameOf,
    );
  if (order !== "timeasc" && order !== "timedesc") {
    throw new RegistryError(400, "UNSUPPORTED", "orderby must be timeasc or timedesc", { detail: { orderby: order } });
  }
  const sign = order === "timeasc" ? 1 : -1;
  const sorted = byName.sort((a, b) => sign * compare(a.lastUpdateTime, b.lastUpdateTime));
  return page(c, size, sorted.slice(sorted.findIndex((item) => nameOf(item) === last) + 1), nameOf);
}

function page<T>(c: RouteCall["c"], size: number, rest: readonly T[], nameOf: (item: T) => string): Page<T> {
  const items = rest.slice(0, size);
  if (items.length === 0 || items.length === rest.length) return { items, headers: {} };
  const { pathname, searchParams } = new URL(c.req.url);
  searchParams.set("last", nameOf(items.at(-1)!));
  searchParams.set("n", String(size));
  return { items, headers: { Link: `<${pathname}?${searchParams}>; rel="next"` } };
}

function wanted(c: RouteCall["c"]): { last: string; size: number } {
  return { last: c.req.query("last") ?? "", size: Math.min(readPageSize(c.req.query("n")), pageSize.most) };
}

function readPageSize(n: string | undefined): number {
  if (n === undefined) return pageSize.initial;
  if (!/^\d{1,9}$/.test(n)) {
    throw new RegistryError(400, "PAGINATION_NUMBER_INVALID", "n must be a number", { detail: { n } });
  }
  return Number(n);
}

/** In byte order, as everything here is sorted. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
