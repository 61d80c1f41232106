/** Digests are the entity tags here; `*` and weak tags match as RFC 9110 §13.1.2 says. */
export function isUnchanged(ifNoneMatch: string | undefined, digest: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === `"${digest}"`);
}
