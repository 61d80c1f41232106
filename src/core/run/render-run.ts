/** The tags and build arguments of one attempt, from the templates of slipway.yaml. */
import type { ImageDefinition } from "../config/definition.ts";
import type { DockerfileOptions } from "../image/dockerfile.ts";
import { isAllowedValue, renderTag, renderValue, type TagVariables } from "../image/tags.ts";
import type { Run } from "../state/rows.ts";
import { refName } from "./desk.ts";

/** Each tag is a push at ACR and a row with us. */
const tagsMost = 20;

export type RenderedRun =
  | {
      readonly ok: true;
      readonly stableTags: readonly string[];
      readonly uniqueTags: readonly string[];
      readonly buildArgs: Readonly<Record<string, string>>;
    }
  | { readonly ok: false; readonly message: string };

export function renderRun(definition: ImageDefinition, run: Run, attempt: number): RenderedRun {
  // A unique tag is pushed once: a second attempt, whose forerunner may have pushed after all, gets one of its own.
  const number = attempt === 1 ? String(run.seq) : `${run.seq}.${attempt}`;
  const variables = variablesOf(run.loginServer, run.ref, run.image, run.commit, number);
  const stableTags = renderTags(definition.tags.stable, variables);
  const uniqueTags = renderTags(definition.tags.unique, variables);
  if (stableTags.length + uniqueTags.length === 0)
    return { ok: false, message: `none of its tags applies to ${run.ref}` };
  if (stableTags.length + uniqueTags.length > tagsMost)
    return { ok: false, message: `it has more than ${tagsMost} tags` };
  // ACR hands the program of a list-form test to a shell as it is (R7).
  const program = definition.test
    .map((t) => (typeof t === "string" ? "/bin/sh" : (t[0] ?? "")))
    .find((t) => t === "" || !isAllowedValue(t));
  if (program !== undefined)
    return { ok: false, message: `a test may not start the program ${JSON.stringify(program)}` };
  const buildArgs = renderBuildArgs(definition, variables);
  return buildArgs.ok ? { ok: true, stableTags, uniqueTags, buildArgs: buildArgs.values } : buildArgs;
}

/** How the Dockerfile is read: as the build will read it. */
export function dockerfileOptions(
  { target, platforms }: Pick<ImageDefinition, "target" | "platforms">,
  buildArgs: Readonly<Record<string, string>>,
): DockerfileOptions {
  const [platform] = platforms;
  return { buildArgs, ...(target === undefined ? {} : { target }), ...(platform === undefined ? {} : { platform }) };
}

export function renderBuildArgs(
  definition: Pick<ImageDefinition, "buildArgs">,
  variables: TagVariables,
):
  | { readonly ok: true; readonly values: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly message: string } {
  const values: Record<string, string> = {};
  for (const [name, template] of Object.entries(definition.buildArgs)) {
    const value = renderValue(template, variables);
    if (!value.ok) return { ok: false, message: `build argument ${name}: ${value.message}` };
    if (value.value !== undefined) values[name] = value.value;
  }
  return { ok: true, values };
}

export function variablesOf(
  loginServer: string,
  ref: string,
  image: string,
  commit: string,
  run: string,
): TagVariables {
  const name = refName(ref);
  return {
    ...(ref.startsWith("refs/heads/") ? { branch: name } : {}),
    ...(ref.startsWith("refs/tags/") ? { git_tag: name } : {}),
    ref_name: name,
    sha: commit,
    short_sha: commit.slice(0, 7),
    image,
    run,
    registry: loginServer,
  };
}

/** A template that needs what this ref does not have gives no tag. */
export function renderTags(templates: readonly string[], variables: TagVariables): readonly string[] {
  return templates.flatMap((template) => {
    const tag = renderTag(template, variables);
    return tag.ok && tag.value !== undefined ? [tag.value] : [];
  });
}
