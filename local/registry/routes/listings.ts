import { RegistryError } from "../registry-error.ts";
import type { Handler, RouteCall } from "./route.ts";

/** What ACR gives when `n` is not said, and the most it gives. */
const pageSize = { initial: 100, most: 1000 };

export const listTags: Handler = async ({ c, store, repository }) => {
  const tags = store.listTags(repository);
  if (!tags) {
    throw new RegistryError(404, "NAME_UNKNOWN", "repository name not known to registry", {
      detail: { name: repository },
    });
  }
  const page = pageOf(c, tags);
  return Response.json({ name: repository, tags: page.items }, { headers: page.headers });
};

export const listRepositories: Handler = async ({ c, store }) => {
  const page = pageOf(c, store.listRepositories());
  return Response.json({ repositories: page.items }, { headers: page.headers });
};

/** `n` names from the one after `last`, in byte order; the Link header (RFC 8288) leads to the next page. */
function pageOf(c: RouteCall["c"], names: readonly string[]): { items: string[]; headers: Record<string, string> } {
  const last = c.req.query("last") ?? "";
  const size = Math.min(readSize(c.req.query("n")), pageSize.most);
  const rest = names.filter((name) => name > last);
  const items = rest.slice(0, size);
  if (items.length === 0 || items.length === rest.length) return { items, headers: {} };
  const next = new URLSearchParams({ last: items.at(-1)!, n: String(size) });
  return { items, headers: { Link: `<${new URL(c.req.url).pathname}?${next}>; rel="next"` } };
}

function readSize(n: string | undefined): number {
  if (n === undefined) return pageSize.initial;
  if (!/^\d{1,9}$/.test(n)) {
    throw new RegistryError(400, "PAGINATION_NUMBER_INVALID", "n must be a number", { detail: { n } });
  }
  return Number(n);
}
