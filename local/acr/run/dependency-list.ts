import { stringify } from "yaml";
import type { ImageReference } from "../task/reference.ts";

/** What one image tag, or one build without a tag, was found to stand on. */
export interface Dependencies {
  readonly image?: ImageReference;
  readonly runtime: ImageReference;
  readonly buildtime: readonly ImageReference[];
}

/** The list at the end of a successful run's log, as block YAML. `git` is empty for sources without a `.git`. */
export function dependencyYaml(list: readonly Dependencies[]): string {
  const entries = list.map(({ image, runtime, buildtime }) => ({
    ...(image && { image: shown(image) }),
    "runtime-dependency": shown(runtime),
    ...(buildtime.length > 0 && { "buildtime-dependency": buildtime.map(shown) }),
    git: {},
  }));
  return stringify(entries, { lineWidth: 0 });
}

function shown({ registry, repository, tag, digest }: ImageReference) {
  return { registry, repository, ...(tag && { tag }), digest: digest ?? "" };
}
