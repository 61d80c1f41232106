import type { DockerfileLines, Instruction } from "./dockerfile-lines.ts";
import type { Stage } from "./dockerfile-stages.ts";
import { namesUsed, platformVariableNames } from "./dockerfile-variables.ts";
import type { DockerfileWarning } from "./dockerfile-warnings.ts";

/**
 * What in a file the builder without BuildKit refuses or ignores, each feature once, where it first appears. ACR's engine
 * switches BuildKit off unless the step asks for it (facts: acr-tasks.md §3.3).
 */
export function buildKitNeeds(
  { instructions }: DockerfileLines,
  stages: readonly Stage[],
  syntaxLine: number | undefined,
): readonly DockerfileWarning[] {
  const firstLine = new Map<string, number>();
  const note = (feature: string, line: number) => {
    if (line < (firstLine.get(feature) ?? Number.POSITIVE_INFINITY)) firstLine.set(feature, line);
  };
  if (syntaxLine !== undefined) note("a syntax directive", syntaxLine);
  for (const instruction of instructions) {
    if (instruction.endLine > instruction.lastLine) note("a heredoc", instruction.line);
    for (const flag of newerFlags(instruction)) note(`${instruction.keyword} --${flag}`, instruction.line);
  }
  for (const { base, platform = "", line } of stages) {
    if (namesUsed(base + platform).some((name) => platformVariableNames.has(name)))
      note("a platform variable in FROM", line);
  }
  return [...firstLine].map(([feature, line]) => ({
    line,
    classicOnly: true,
    message: `${feature} needs BuildKit, which ACR leaves off unless the build step turns it on`,
  }));
}

const classicFlags: Readonly<Record<string, readonly string[]>> = { COPY: ["from", "chown"], ADD: ["chown"], RUN: [] };

function newerFlags({ keyword, flags }: Instruction): readonly string[] {
  const classic = classicFlags[keyword];
  if (classic === undefined) return [];
  return flags.map((flag) => flag.slice(2).split("=", 1)[0]!).filter((name) => !classic.includes(name));
}
