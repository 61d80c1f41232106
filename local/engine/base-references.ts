import { BuildArguments, parsePlatform } from "./built-in/build-arguments.ts";
import { type Instruction, parseDockerfile } from "./built-in/dockerfile.ts";
import { neededStages, stageOfCopy, stageOfFrom, targetIndex } from "./built-in/needed-stages.ts";
import { type BuildRequest, EngineError } from "./engine.ts";

/**
 * The images a build will start, copy or mount from, stages and `scratch` left out. Empty, with a warning in the log,
 * for a Dockerfile that cannot be read here: it may still be one that the engine can.
 */
export function baseReferences(request: BuildRequest, text: string, log: (text: string) => void): string[] {
  try {
    return read(request, text);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    log(`[Warning] bases are not pulled, because the Dockerfile could not be read: ${error.message}\n`);
    return [];
  }
}

function read(request: BuildRequest, text: string): string[] {
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
    for (const from of instructions.flatMap(fromFlags)) {
      if (stageOfCopy(stages, from, index) === undefined) found.add(from);
    }
  }
  return [...found];
}

/** `COPY --from=x` and `RUN --mount=…,from=x`. */
function fromFlags({ keyword, flags }: Instruction): string[] {
  if (keyword === "COPY") return flags.filter(({ name }) => name === "from").map(({ value }) => value);
  const options = flags.filter(({ name }) => name === "mount").flatMap(({ value }) => value.split(","));
  return options.filter((option) => option.startsWith("from=")).map((option) => option.slice("from=".length));
}
