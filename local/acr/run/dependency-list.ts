import { stringify } from "yaml";
import type { BaseImage } from "../run-record.ts";
import type { ImageReference } from "../task/reference.ts";

/** What one image tag, or one build without a tag, was found to stand on. */
export interface Dependencies {
  readonly image?: ImageReference;
  readonly runtime: ImageReference;
  readonly buildtime: readonly ImageReference[];
  /** Of the Git repository that was built; absent for other sources. */
  readonly commit?: string;
}

/** The list at the end of a successful run's log, as block YAML in Go's layout. `git` is empty for sources that are no Git repository. */
export function dependencyYaml(list: readonly Dependencies[]): string {
  const entries = list.map(({ image, runtime, buildtime, commit }) => ({
    ...(image && { image: shown(image) }),
    "runtime-dependency": shown(runtime),
    ...(buildtime.length > 0 && { "buildtime-dependency": buildtime.map(shown) }),
    git: commit ? { "git-head-revision": commit } : {},
  }));
  return stringify(entries, { lineWidth: 0, indentSeq: false });
}

/** The same as a task shows it, each base once. */
export function baseImages(list: readonly Dependencies[]): BaseImage[] {
  const found = new Map<string, BaseImage>();
  for (const { runtime, buildtime } of list) {
    for (const image of [runtime, ...buildtime]) {
      const type = image === runtime ? "Runtime" : "BuildTime";
      found.set(`${type} ${image.reference}`, { type, ...shown(image) });
    }
  }
  return [...found.values()];
}

function shown({ registry, repository, tag, digest }: ImageReference) {
  return { registry, repository, ...(tag && { tag }), digest: digest ?? "" };
}
