import { BuildArguments, parsePlatform } from "../built-in/build-arguments.ts";
import { parseDockerfile } from "../built-in/dockerfile.ts";
import { neededStages, stageOfCopy, stageOfFrom, targetIndex } from "../built-in/needed-stages.ts";
import type { BuildRequest } from "../engine.ts";

/** The images a build will start or copy from, stages and `scratch` left out. */
export function baseReferences(request: BuildRequest, text: string): string[] {
  const dockerfile = parseDockerfile(text);
  const { stages, escapeChar } = dockerfile;
  const args = new BuildArguments(request.buildArgs, parsePlatform(request.platform), dockerfile);
  const imageOf = (written: string) => args.expandGlobally(written, escapeChar);
  const needed = neededStages(stages, targetIndex(dockerfile, request.target), (stage) => imageOf(stage.image));
  const found = new Set<string>();
  for (const index of needed) {
    const { image, instructions } = stages[index]!;
    const base = imageOf(image);
    if (base !== "scratch" && stageOfFrom(stages, base, index) === undefined) found.add(base);
    for (const { keyword, flags } of instructions) {
      const from = keyword === "COPY" ? flags.find(({ name }) => name === "from")?.value : undefined;
      if (from !== undefined && stageOfCopy(stages, from, index) === undefined) found.add(from);
    }
  }
  return [...found];
}
