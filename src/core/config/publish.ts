import type { SourceRepository } from "../source.ts";
import { matchesAny } from "./pattern.ts";
import type { PublishPolicy, PublishRule } from "./platform.ts";

/**
 * Whether deployment policy lets a source repository publish to a repository of a registry. Default deny; one rule must allow all three together.
 * Ids are compared as numbers, never as text: a pattern over ids once let `…123…` pass for `123` (CodeBreach, AWS CodeBuild 2026).
 */
export function mayPublish(
  platform: PublishPolicy,
  source: SourceRepository,
  registryAlias: string,
  repository: string,
): boolean {
  if (!Object.hasOwn(platform.registries, registryAlias)) return false;
  return platform.publish.some(
    (rule) =>
      (rule.registry === undefined || rule.registry === registryAlias) &&
      isFrom(rule, source) &&
      matchesAny([rule.to], repository),
  );
}

/** GitHub's names are case-insensitive, so both sides are folded. */
function isFrom({ from }: PublishRule, source: SourceRepository): boolean {
  if (typeof from === "number") return from === source.id;
  return matchesAny([from.toLowerCase()], source.fullName.toLowerCase());
}

/** Whether any rule names this source repository at all: one that none names is not even read. */
export function mayPublishAnywhere(platform: PublishPolicy, source: SourceRepository): boolean {
  return platform.publish.some((rule) => isFrom(rule, source));
}
