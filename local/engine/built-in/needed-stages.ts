import { EngineError } from "../engine.ts";
import type { Dockerfile, Instruction, Stage } from "./dockerfile.ts";

/** The stage `--target` names or numbers, else the last. */
export function targetIndex({ stages }: Dockerfile, target: string | undefined): number {
  if (target === undefined || target === "") return stages.length - 1;
  const named = stages.findLastIndex((stage) => stage.name === target.toLowerCase());
  const index = named < 0 && /^\d+$/.test(target) ? Number(target) : named;
  if (index < 0 || index >= stages.length) throw new EngineError(`the Dockerfile has no stage ${target}`);
  return index;
}

/** The stage that FROM means: an earlier one of that name, never a number. */
export function stageOfFrom(stages: readonly Stage[], image: string, before: number): number | undefined {
  const index = stages.slice(0, before).findLastIndex((stage) => stage.name === image.toLowerCase());
  return index < 0 ? undefined : index;
}

/** The stage that `COPY --from` means: a number, or an earlier one of that name. */
export function stageOfCopy(stages: readonly Stage[], from: string, before: number): number | undefined {
  if (!/^\d+$/.test(from)) return stageOfFrom(stages, from, before);
  if (Number(from) >= before) throw new EngineError(`from=${from}: there is no such stage before this one`);
  return Number(from);
}

/** The stages a target stands on, itself included, in order. `imageOf` expands what FROM says. */
export function neededStages(stages: readonly Stage[], target: number, imageOf: (stage: Stage) => string): number[] {
  const needed = new Set([target]);
  // Those that are added meanwhile have their turn too.
  for (const index of needed) {
    const stage = stages[index]!;
    const base = stageOfFrom(stages, imageOf(stage), index);
    const sources = stage.instructions.flatMap(fromFlag).map((from) => stageOfCopy(stages, from, index));
    for (const other of [base, ...sources]) if (other !== undefined) needed.add(other);
  }
  return [...needed].sort((a, b) => a - b);
}

/** `COPY --from=x` and `RUN --mount=…,from=x`. */
function fromFlag({ keyword, flags }: Instruction): string[] {
  if (keyword === "COPY") return flags.filter(({ name }) => name === "from").map(({ value }) => value);
  if (keyword !== "RUN") return [];
  const options = flags.filter(({ name }) => name === "mount").flatMap(({ value }) => value.split(","));
  return options.filter((option) => option.startsWith("from=")).map((option) => option.slice("from=".length));
}
