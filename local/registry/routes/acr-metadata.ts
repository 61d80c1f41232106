import { describeManifest, describeRepository, describeTags, manifestTimes } from "../describe.ts";
import { readAttributes } from "../locks.ts";
import { checkDigest } from "../names.ts";
import { RegistryError } from "../registry-error.ts";
import { manifestUnknown, tagUnknown } from "../unknown.ts";
import { pageOfTimed } from "./page.ts";
import { type Handler, originOf, type RouteCall, readBody } from "./route.ts";

/** A PATCH is a few booleans. */
const bodyLimit = 64 * 1024;

/** What each answer of `/acr/v1` begins with. */
function head({ loginServer, repository }: RouteCall) {
  return { registry: loginServer, imageName: repository };
}

export const showRepository: Handler = async (call) =>
  Response.json({ ...head(call), ...describeRepository(call.store, call.repository) });

export const deleteRepository: Handler = async ({ c, store, repository }) => {
  const { manifests, tags } = await store.deleteRepository(repository, originOf(c));
  return Response.json({ manifestsDeleted: manifests, tagsDeleted: tags }, { status: 202 });
};

export const listTagAttributes: Handler = async (call) => {
  const digest = call.c.req.query("digest");
  const tags = describeTags(call.store, call.repository).filter(
    (tag) => tag.changeableAttributes.listEnabled && (!digest || tag.digest === digest),
  );
  const { items, headers } = pageOfTimed(call.c, tags, (tag) => tag.name);
  return Response.json({ ...head(call), tags: items }, { headers });
};

export const showTag: Handler = async (call) => {
  const tag = describeTags(call.store, call.repository).find(({ name }) => name === call.reference);
  if (!tag) throw tagUnknown(call.reference);
  return Response.json({ ...head(call), tag });
};

export const deleteTag: Handler = async ({ c, store, repository, reference }) => {
  store.look(repository);
  await store.untag(repository, reference, originOf(c));
  return new Response(null, { status: 202 });
};

export const listManifestAttributes: Handler = async (call) => {
  const { c, store, repository } = call;
  const listed = manifestTimes(store, repository).filter(
    ({ changeableAttributes }) => changeableAttributes.listEnabled,
  );
  const { items, headers } = pageOfTimed(c, listed, ({ digest }) => digest);
  const manifests = await Promise.all(items.map(({ digest }) => describeManifest(store, repository, digest)));
  return Response.json({ ...head(call), manifests }, { headers });
};

export const showManifest: Handler = async (call) => {
  const digest = checkDigest(call.reference);
  if (!call.store.look(call.repository).manifests.has(digest)) throw manifestUnknown(digest);
  return Response.json({ ...head(call), manifest: await describeManifest(call.store, call.repository, digest) });
};

export const deleteManifestByDigest: Handler = async ({ c, store, repository, reference }) => {
  await store.deleteManifest(repository, checkDigest(reference), originOf(c));
  return new Response(null, { status: 202 });
};

/** PATCH of a repository, tag or manifest: changes its locks and answers as GET does. */
export function patch(show: Handler): Handler {
  return async (call) => {
    const { c, store, repository, reference } = call;
    const text = (await readBody(c.env.incoming, bodyLimit)).toString("utf8");
    store.setAttributes(repository, reference, readAttributes(parse(text)), originOf(c));
    return show(call);
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new RegistryError(400, "UNSUPPORTED", "the body must be JSON");
  }
}
