import { nameUnknown } from "../unknown.ts";
import { pageOfNames } from "./page.ts";
import type { Handler } from "./route.ts";

export const listTags: Handler = async ({ c, store, repository }) => {
  const tags = store.listTags(repository);
  if (!tags) throw nameUnknown(repository);
  const { items, headers } = pageOfNames(c, tags);
  return Response.json({ name: repository, tags: items }, { headers });
};

/** The same under /v2/_catalog and /acr/v1/_catalog. */
export const listRepositories: Handler = async ({ c, store }) => {
  const { items, headers } = pageOfNames(c, store.listRepositories());
  return Response.json({ repositories: items }, { headers });
};
