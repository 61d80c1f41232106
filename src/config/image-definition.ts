import type { ImageDefinition, PushTrigger, Triggers } from "../core/config/definition.ts";
import { normalPath, parseDuration } from "./checks.ts";
import type { Defaults, Image } from "./schema.ts";
import { formatted } from "./template-checks.ts";

/** ACR's own default for a run. https://learn.microsoft.com/rest/api/container-registry/registries/schedule-run */
const defaultTimeout = "1h";

/**
 * One image with everything filled in: what it says itself, else what `defaults` says, else Slipway's own default. Build arguments are united by name,
 * `tags` and `on` are taken key by key. "" for a registry nobody named: the rules report that, and the definition goes no further.
 */
export function toDefinition(name: string, image: Image, defaults: Defaults): ImageDefinition {
  return {
    name,
    registry: image.registry ?? defaults.registry ?? "",
    repository: image.repository,
    context: normalPath(image.context ?? "."),
    dockerfile: normalPath(image.dockerfile ?? "Dockerfile"),
    ...(image.target === undefined ? {} : { target: image.target }),
    buildArgs: buildArgs({ ...defaults["build-args"], ...image["build-args"] }),
    tags: {
      stable: (image.tags?.stable ?? defaults.tags?.stable ?? ["{{ref_name}}"]).map(formatted),
      unique: (image.tags?.unique ?? defaults.tags?.unique ?? ["{{ref_name}}-{{short_sha}}-{{run}}"]).map(formatted),
    },
    test: typeof image.test === "string" ? [image.test] : (image.test ?? []),
    cache: image.cache ?? defaults.cache ?? false,
    ...((image.compat ?? defaults.compat) ? { compat: true as const } : {}),
    platforms: image.platforms ?? defaults.platforms ?? ["linux/amd64"],
    timeoutSeconds: parseDuration(image.timeout ?? defaults.timeout ?? defaultTimeout) as number,
    ...ownerOf(image.owner ?? defaults.owner),
    on: triggers(image.on ?? {}, defaults.on ?? {}),
  };
}

/** Without a prototype: an argument may be called `constructor`, and asking for one that is not there must find nothing. */
function buildArgs(written: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.assign(
    Object.create(null),
    Object.fromEntries(Object.entries(written).map(([name, value]) => [name, formatted(value)])),
  );
}

function ownerOf(owner: string | undefined): { owner?: string } {
  return owner === undefined ? {} : { owner };
}

type On = NonNullable<Image["on"]>;

function triggers(own: On, shared: On): Triggers {
  const push = pushTrigger(own.push, shared.push);
  return {
    ...(push ? { push } : {}),
    pullRequest: own.pull_request ?? shared.pull_request ?? "off",
    baseUpdate: own.base_update ?? shared.base_update ?? "all",
    schedule: own.schedule ?? shared.schedule ?? [],
  };
}

/** Branches and tags come as a pair from whoever names one of them, as in GitHub Actions, where naming only tags means no branch. */
function pushTrigger(own: On["push"], shared: On["push"]): PushTrigger | undefined {
  if ((own ?? shared) === "off") return undefined;
  const given = [own, shared].flatMap((push) => (push === undefined || push === "off" ? [] : [push]));
  const refs = given.find((push) => push.branches !== undefined || push.tags !== undefined) ?? { branches: ["main"] };
  return {
    branches: refs.branches ?? [],
    tags: refs.tags ?? [],
    paths: given.find((push) => push.paths !== undefined)?.paths ?? [],
  };
}
