import examples from "@octokit/webhooks-examples" with { type: "json" };

export type Json = Record<string, unknown>;
const events = examples as unknown as { name: string; examples: Json[] }[];

/** GitHub's own samples of one event and action. */
export function samplesOf(event: string, action: string): Json[] {
  const found = events.find(({ name }) => name === event)!.examples.filter((each) => each.action === action);
  if (found.length === 0) throw new Error(`there is no sample of ${event} ${action}`);
  return found;
}

/**
 * What GitHub's payload has and ours has not, by path, and where the two differ in type. Null stands for any type, as in
 * GitHub's nullable fields, and an empty list for any list.
 */
export function lacking(ours: unknown, theirs: unknown, path = ""): string[] {
  if (ours === null || theirs === null) return [];
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    return theirs.length > 0 && ours.length > 0 ? lacking(ours[0], theirs[0], `${path}[]`) : [];
  }
  if (typeof ours !== typeof theirs || Array.isArray(theirs) !== Array.isArray(ours)) {
    return [`${path}: ${typeof ours}, not ${typeof theirs}`];
  }
  if (typeof theirs !== "object") return [];
  return Object.entries(theirs as Json).flatMap(([key, value]) => {
    const at = path === "" ? key : `${path}.${key}`;
    return Object.hasOwn(ours as Json, key) ? lacking((ours as Json)[key], value, at) : [`missing: ${at}`];
  });
}
