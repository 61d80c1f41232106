import type { Escape } from "./dockerfile-expand.ts";
import { DockerfileRefusal } from "./dockerfile-refusal.ts";
import { type Flag, type Source, sourcesOf } from "./dockerfile-sources.ts";
import type { Stage } from "./dockerfile-stages.ts";
import { quote } from "./quote.ts";

/** A FROM whose base is known: an earlier stage by index, or the name of an image. */
export interface ResolvedStage {
  readonly stage: Stage;
  readonly base: { readonly stage: number } | { readonly image: string };
}

export interface ImageUse {
  readonly image: string;
  readonly line: number;
  readonly instruction: "FROM" | "COPY" | "RUN";
  /** Whether a stage that is built uses it. */
  readonly reachable: boolean;
  /** Whether it is what the target stands on. */
  readonly isOrigin: boolean;
  /** Of COPY and RUN: the flag that names it. */
  readonly flag?: Flag;
}

/**
 * Decides for every FROM whether it names a stage: only an earlier one counts, its name compared in lower case with the base
 * as written. `expand` gives the base of a stage with its variables replaced.
 */
export function resolveBases(stages: readonly Stage[], expand: (stage: Stage) => string): readonly ResolvedStage[] {
  const earlier = new Map<string, number>();
  return stages.map((stage, index) => {
    const name = expand(stage);
    const found = earlier.get(name);
    if (stage.name !== undefined) earlier.set(stage.name.toLowerCase(), index);
    return { stage, base: found === undefined ? { image: name } : { stage: found } };
  });
}

/** Index of the stage to build: the last one of that name, compared without case, else the last of all. */
export function targetIndex(stages: readonly Stage[], target: string | undefined): number {
  if (target === undefined || target === "") return stages.length - 1;
  const index = stages.findLastIndex((stage) => stage.name?.toLowerCase() === target.toLowerCase());
  if (index >= 0) return index;
  const names = stages.flatMap((stage) => stage.name ?? []).slice(0, 10);
  throw new DockerfileRefusal(
    1,
    `there is no stage ${quote(target)} to build`,
    names.length === 0 ? "remove target: no stage has a name" : `use one of ${names.join(", ")}`,
  );
}

/** Every image the file names, and whether building `target` needs it. BuildKit's dockerfile2llb/convert.go */
export function imageUses(
  resolved: readonly ResolvedStage[],
  target: number,
  escapeToken: Escape,
): readonly ImageUse[] {
  const nodes = buildNodes(resolved, escapeToken);
  const reached = reach(nodes, target);
  const origin = originOf(resolved, target);
  return [
    ...resolved.flatMap(({ stage, base }, index): ImageUse[] => {
      if ("stage" in base || base.image === scratch) return [];
      return [
        {
          image: base.image,
          line: stage.line,
          instruction: "FROM",
          reachable: reached.has(index),
          isOrigin: index === origin,
        },
      ];
    }),
    ...nodes.flatMap((node, index) =>
      node.images.map(
        ({ from, line, by, flag }): ImageUse => ({
          flag,
          image: from,
          line,
          instruction: by,
          reachable: reached.has(index),
          isOrigin: false,
        }),
      ),
    ),
  ];
}

/** The empty image: it exists nowhere and never changes. */
const scratch = "scratch";

/** A stage, or (with indexes above those of the stages) the ONBUILD triggers of a stage, shared by all stages built FROM it. */
interface Node {
  readonly needs: readonly { readonly index: number; readonly source?: Source }[];
  readonly images: readonly Source[];
}

function buildNodes(resolved: readonly ResolvedStage[], escapeToken: Escape): readonly Node[] {
  const byName = new Map(
    resolved.flatMap(({ stage }, index) =>
      stage.name === undefined ? [] : [[stage.name.toLowerCase(), index] as const],
    ),
  );
  const nodeOf = (sources: readonly Source[], needs: Node["needs"]): Node => {
    const found = sources.map((source) => ({ source, index: stageNamed(source, byName, resolved.length) }));
    return {
      needs: [...needs, ...found.flatMap(({ source, index }) => (index === undefined ? [] : [{ index, source }]))],
      images: found.flatMap(({ source, index }) => (index === undefined && source.from !== scratch ? [source] : [])),
    };
  };
  const ofStages = resolved.map(({ stage, base }) =>
    nodeOf(stage.sources, "stage" in base ? [{ index: base.stage }, { index: resolved.length + base.stage }] : []),
  );
  const bases = new Set(resolved.flatMap(({ base }) => ("stage" in base ? [base.stage] : [])));
  const ofTriggers = resolved.map(({ stage }, index) =>
    nodeOf(
      bases.has(index)
        ? stage.triggers.flatMap((trigger) => sourcesOf(trigger.instruction, trigger.line, escapeToken))
        : [],
      [],
    ),
  );
  return [...ofStages, ...ofTriggers];
}

/** COPY takes a number as an index, RUN does not; both compare names without case, and see stages that come later, too. */
function stageNamed(
  { from, by, line }: Source,
  byName: ReadonlyMap<string, number>,
  count: number,
): number | undefined {
  if (by !== "COPY" || !/^[+-]?[0-9]+$/.test(from)) return byName.get(from.toLowerCase());
  const index = Number(from);
  if (index >= 0 && index < count) return index;
  throw new DockerfileRefusal(
    line,
    `COPY --from=${from}: there is no stage with that index`,
    `use 0 to ${count - 1}, or better a name`,
  );
}

/** What the target needs, itself included. Something built may only take from stages above it. */
function reach(nodes: readonly Node[], target: number): ReadonlySet<number> {
  const stages = nodes.length / 2;
  const lowestUser = new Map<number, number>([[target, target]]);
  const open = [target];
  const relax = (index: number, user: number) => {
    const known = lowestUser.get(index);
    if (known === undefined) open.push(index);
    if (known === undefined || user < known) lowestUser.set(index, user);
  };
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const need of nodes[node]!.needs) relax(need.index, need.index < stages ? need.index : node);
  }
  for (const [node, user] of lowestUser) {
    const late = nodes[node]!.needs.find((need) => need.source !== undefined && need.index >= user);
    if (late?.source === undefined) continue;
    throw new DockerfileRefusal(
      late.source.line,
      `${late.source.by} takes files from ${quote(late.source.from)}, a stage that is not finished at that point`,
      "move that stage above",
    );
  }
  return new Set(lowestUser.keys());
}

/** The stage at the start of the target's chain of FROMs. */
function originOf(resolved: readonly ResolvedStage[], target: number): number {
  let index = target;
  for (let base = resolved[index]!.base; "stage" in base; base = resolved[index]!.base) index = base.stage;
  return index;
}
