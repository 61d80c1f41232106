import type { ImageDefinition } from "./definition.ts";
import { matchesAny } from "./pattern.ts";

/** Whether a push to this ref (`refs/heads/…` or `refs/tags/…`, full) builds the image, paths aside. Any other ref never does. */
export function isPushTriggered(definition: ImageDefinition, ref: string): boolean {
  const push = definition.on.push;
  if (!push) return false;
  if (ref.startsWith("refs/heads/")) return matchesAny(push.branches, ref.slice("refs/heads/".length));
  if (ref.startsWith("refs/tags/")) return matchesAny(push.tags, ref.slice("refs/tags/".length));
  return false;
}
