import type { ApiContext } from "./request.ts";
import type { World } from "./world.ts";

/** `per_page`: 30 unless asked, at most 100. */
export function perPage(c: ApiContext): number {
  const wanted = Number(c.req.query("per_page") ?? 30);
  return Number.isInteger(wanted) && wanted > 0 ? Math.min(wanted, 100) : 30;
}

/** One page of a list, and the Link header that says where the others are. https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api */
export function pageOf<T>(world: World, c: ApiContext, items: readonly T[], size = perPage(c)): T[] {
  const wanted = Number(c.req.query("page") ?? 1);
  const page = Number.isInteger(wanted) && wanted > 0 ? wanted : 1;
  const last = Math.max(1, Math.ceil(items.length / size));
  const links: string[] = [];
  const link = (rel: string, to: number) => links.push(`<${urlWith(world, c, { page: String(to) })}>; rel="${rel}"`);
  if (page > 1) link("prev", Math.min(page - 1, last));
  if (page < last) {
    link("next", page + 1);
    link("last", last);
  }
  if (page > 1) link("first", 1);
  if (links.length > 0) c.header("Link", links.join(", "));
  return items.slice((page - 1) * size, page * size);
}

/** The request's own address with other query parameters. */
export function urlWith(world: World, c: ApiContext, query: Record<string, string>): string {
  const url = new URL(c.req.url);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return world.url + url.pathname + url.search;
}
