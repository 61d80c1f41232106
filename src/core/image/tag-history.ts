/** What has been behind a tag, as far as it was seen. Moments are ISO 8601 in UTC, so they sort as text. */
export interface TagHistory {
  readonly digest: string;
  /** When this digest was first seen. */
  readonly since: string;
  /** Oldest first. */
  readonly past: readonly PastDigest[];
}

export interface PastDigest {
  readonly digest: string;
  /** When another one was seen in its place. */
  readonly until: string;
}

const pastMost = 20;

export function pastOf(followed?: { readonly past?: readonly PastDigest[] }): readonly PastDigest[] {
  return followed?.past ?? [];
}

export function addPast(past: readonly PastDigest[], left: PastDigest): readonly PastDigest[] {
  return [...past, left].slice(-pastMost);
}

/**
 * Since when something newer than `digest` is behind the tag. `taken` is when a build found the digest there: what was seen
 * before that is older, and undefined says that nobody has looked since. Of a digest that was never seen to go, the answer
 * is the first move after `taken`: it has been behind at least since then.
 */
export function behindSince(history: TagHistory, digest: string, taken = ""): string | undefined {
  if (digest === history.digest) return undefined;
  const later = history.past.filter((p) => p.until > taken);
  const left = later.findLast((p) => p.digest === digest) ?? later[0];
  return left?.until ?? (history.since > taken ? history.since : undefined);
}
