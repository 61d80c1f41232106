import type { DockerfileLines, Instruction } from "./dockerfile-lines.ts";
import { type GlobalArg, instructionNames, type Stage } from "./dockerfile-stages.ts";
import { namesUsed, platformVariableNames } from "./dockerfile-variables.ts";
import { trimSpaceStart } from "./go-space.ts";
import { quote } from "./quote.ts";

export interface DockerfileWarning {
  /** 1-based. */
  readonly line: number;
  readonly message: string;
  /** Only the builder without BuildKit minds; Slipway's builds turn BuildKit on. */
  readonly classicOnly?: true;
  /** The build fails, unless a frontend of the file's own knows better. */
  readonly unlessFrontend?: true;
}

/**
 * What ACR's dependency scanner refuses or misreads. It goes line by line, knows only FROM and ARG, and runs before every
 * build, so what it refuses fails the run (facts: acr-tasks.md §3.4).
 */
export function acrWarnings(
  lines: DockerfileLines,
  globals: readonly GlobalArg[],
  stages: readonly Stage[],
  buildArgs: Readonly<Record<string, string>>,
): readonly DockerfileWarning[] {
  return [
    ...lines.instructions.flatMap(fromWarnings),
    ...lines.instructions.flatMap(unknownInstruction),
    ...strayFroms(lines),
    ...aliasCase(stages),
    ...argWarnings(globals, stages, buildArgs),
  ];
}

function fromWarnings({ keyword, flags, args, line, lastLine }: Instruction): readonly DockerfileWarning[] {
  if (keyword !== "FROM") return [];
  const messages: string[] = [];
  if (flags.length > 0) messages.push(`ACR's scanner fails the run on flags of FROM (${flags.map(quote).join(" ")})`);
  if (lastLine > line) messages.push("ACR's scanner fails the run or misreads it when FROM goes on on the next line");
  if (/\$\{\w*[^\w}]/.test(args)) messages.push("ACR's scanner does not understand operators such as ${V:-x} in FROM");
  const platform = namesUsed(args).find((name) => platformVariableNames.has(name));
  if (platform !== undefined) messages.push(`ACR's scanner takes ${platform} in FROM for an empty text`);
  return messages.map((message) => ({ line, message }));
}

function unknownInstruction({ keyword, line }: Instruction): readonly DockerfileWarning[] {
  if (instructionNames.has(keyword)) return [];
  return [
    {
      line,
      unlessFrontend: true,
      message: `${quote(keyword)} is no instruction that the usual Dockerfile frontend knows`,
    },
  ];
}

/** Lines that look like FROM to a scanner without continuations and heredocs, but are part of something else. */
function strayFroms({ instructions, physical }: DockerfileLines): readonly DockerfileWarning[] {
  return instructions.flatMap(({ line, lastLine, endLine }) =>
    physical.slice(line, endLine).flatMap((text, offset) => {
      if (!/^from(?:[\s]|$)/i.test(trimSpaceStart(text))) return [];
      const here = line + 1 + offset;
      const place = here > lastLine ? "inside a heredoc" : "inside a continued instruction";
      return [{ line: here, message: `ACR's scanner takes this line for a FROM although it stands ${place}` }];
    }),
  );
}

/** `FROM x AS Build` then `FROM build`: a stage for the builder, an image for the scanner. */
function aliasCase(stages: readonly Stage[]): readonly DockerfileWarning[] {
  const written = new Map<string, string>();
  return stages.flatMap(({ base, name, line }) => {
    const alias = written.get(base);
    if (name !== undefined) written.set(name.toLowerCase(), name);
    if (alias === undefined || alias === base) return [];
    return [
      {
        line,
        message: `ACR's scanner compares stage names by case and takes ${quote(base)} for an image, not for stage ${quote(alias)}`,
      },
    ];
  });
}

/** The scanner reads the first name of an ARG line only, and of several defaults it keeps the first where the builder keeps the last. */
function argWarnings(
  globals: readonly GlobalArg[],
  stages: readonly Stage[],
  buildArgs: Readonly<Record<string, string>>,
): readonly DockerfileWarning[] {
  const used = new Set(stages.flatMap(({ base }) => namesUsed(base)));
  const seen = new Set<string>();
  return globals.flatMap(({ name, line, defaultValue }, index) => {
    const repeated = seen.has(name) && defaultValue !== undefined;
    if (defaultValue !== undefined) seen.add(name);
    if (!used.has(name) || Object.hasOwn(buildArgs, name)) return [];
    if (globals[index - 1]?.line === line)
      return [{ line, message: `ACR's scanner sees only the first name of an ARG line, not ${quote(name)}` }];
    return repeated
      ? [{ line, message: `ACR's scanner keeps the first default of ARG ${quote(name)}, the builder the last` }]
      : [];
  });
}
