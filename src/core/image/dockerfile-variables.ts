import {
  type Escape,
  type Expansion,
  type ExpansionAllowance,
  ExpansionError,
  expandWord,
} from "./dockerfile-expand.ts";
import { DockerfileRefusal } from "./dockerfile-refusal.ts";
import type { GlobalArg } from "./dockerfile-stages.ts";

export interface VariableInputs {
  readonly globals: readonly GlobalArg[];
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Name of the stage to build; "default" when it has none. */
  readonly targetStage: string;
  /** `os/arch[/variant]` */
  readonly platform: string;
  readonly escapeToken: Escape;
  readonly allowance: ExpansionAllowance;
}

/**
 * What FROM may use: the platform variables BuildKit sets, then global ARGs in order, each able to use those before it. A
 * build arg replaces the default of an ARG that is declared; one that is not declared changes nothing, except that the
 * platform variables can be replaced as they are. https://docs.docker.com/reference/dockerfile/#scope
 */
export function globalVariables(inputs: VariableInputs): ReadonlyMap<string, string> {
  const { globals, buildArgs } = inputs;
  const variables = platformVariables(inputs.platform, inputs.targetStage);
  for (const name of variables.keys()) if (Object.hasOwn(buildArgs, name)) variables.set(name, buildArgs[name]!);
  for (const { name, defaultValue, line } of globals) {
    if (Object.hasOwn(buildArgs, name)) variables.set(name, buildArgs[name]!);
    else if (defaultValue !== undefined) variables.set(name, expandAt(line, defaultValue, { ...inputs, variables }));
  }
  return variables;
}

/** Expands a word and says on which line it failed. */
export function expandAt(line: number, text: string, expansion: Expansion): string {
  try {
    return expandWord(text, expansion);
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    throw new DockerfileRefusal(line, error.message, "mend the variable or quote it stands in");
  }
}

export const platformVariableNames: ReadonlySet<string> = new Set(platformVariables("", "").keys());

/** ACR builds on amd64 machines of the target's operating system, so that is what the BUILD… half says. */
function platformVariables(platform: string, targetStage: string): Map<string, string> {
  const [os = "", arch = "", variant = ""] = platform.split("/");
  return new Map([
    ["BUILDPLATFORM", `${os}/amd64`],
    ["BUILDOS", os],
    ["BUILDOSVERSION", ""],
    ["BUILDARCH", "amd64"],
    ["BUILDVARIANT", ""],
    ["TARGETPLATFORM", platform],
    ["TARGETOS", os],
    ["TARGETOSVERSION", ""],
    ["TARGETARCH", arch],
    ["TARGETVARIANT", variant],
    ["TARGETSTAGE", targetStage],
  ]);
}

/** Names after a dollar sign, with or without brace; good enough for hints, not for expansion. */
export function namesUsed(text: string): readonly string[] {
  return Array.from(text.matchAll(/\$\{?(\w+)/g), ([, name]) => name!);
}
