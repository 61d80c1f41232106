import type { ImageDefinition, PushTrigger } from "../../../src/core/config/definition.ts";

/** A valid definition to start from; each test changes what it is about. */
export function definition(change: Partial<ImageDefinition> = {}): ImageDefinition {
  return {
    name: "web",
    registry: "acmeprod",
    repository: "web",
    context: "images/web",
    dockerfile: "Dockerfile",
    buildArgs: {},
    tags: { stable: ["{{ref_name}}"], unique: ["{{ref_name}}-{{short_sha}}-{{run}}"] },
    test: [],
    cache: false,
    platforms: ["linux/amd64"],
    timeoutSeconds: 3600,
    on: { push: push(), pullRequest: "off", baseUpdate: "all", schedule: [] },
    ...change,
  };
}

export function push(change: Partial<PushTrigger> = {}): PushTrigger {
  return { branches: ["main"], tags: [], paths: [], ...change };
}

export function onPush(change: Partial<PushTrigger> | undefined): ImageDefinition {
  const { on } = definition();
  return definition({ on: { ...on, push: change === undefined ? undefined : push(change) } });
}
