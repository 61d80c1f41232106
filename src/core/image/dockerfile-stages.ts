import type { Escape } from "./dockerfile-expand.ts";
import type { DockerfileLines, Instruction } from "./dockerfile-lines.ts";
import { DockerfileRefusal } from "./dockerfile-refusal.ts";
import { flagValues, type Source, sourcesOf } from "./dockerfile-sources.ts";
import { plainWords, quotedWords, type SplitInstruction, splitInstruction } from "./dockerfile-words.ts";
import { quote } from "./quote.ts";

/** A global ARG, which is the only kind that FROM sees. */
export interface GlobalArg {
  readonly name: string;
  /** As written, not expanded. */
  readonly defaultValue?: string;
  readonly line: number;
}

/** From one FROM to the next. */
export interface Stage {
  /** As written after AS; BuildKit compares its lower-case form. */
  readonly name?: string;
  /** As written, not expanded. */
  readonly base: string;
  readonly platform?: string;
  readonly line: number;
  readonly sources: readonly Source[];
  readonly triggers: readonly Trigger[];
}

/** What ONBUILD keeps for stages built FROM this one. It names their stages, so it means nothing before there is one. */
export interface Trigger {
  readonly instruction: SplitInstruction;
  readonly line: number;
}

export interface Stages {
  readonly globals: readonly GlobalArg[];
  readonly stages: readonly Stage[];
}

/** Groups instructions into stages. BuildKit's instructions/parse.go */
export function readStages({ instructions, escapeToken }: DockerfileLines): Stages {
  const globals: GlobalArg[] = [];
  const stages: (Stage & { readonly sources: Source[]; readonly triggers: Trigger[] })[] = [];
  for (const instruction of instructions) {
    const stage = stages.at(-1);
    const { keyword, line } = instruction;
    if (keyword === "FROM") stages.push({ ...readFrom(instruction), sources: [], triggers: [] });
    else if (stage === undefined && keyword === "ARG") globals.push(...readArg(instruction, escapeToken));
    else if (stage === undefined) {
      if (instructionNames.has(keyword))
        throw new DockerfileRefusal(
          line,
          `${keyword} stands before the first FROM`,
          "move it below FROM; only ARG may come before",
        );
    } else if (keyword === "ONBUILD") stage.triggers.push(readTrigger(instruction, escapeToken));
    else stage.sources.push(...sourcesOf(instruction, line, escapeToken));
  }
  return { globals, stages };
}

/** All there are. https://docs.docker.com/reference/dockerfile/ */
export const instructionNames: ReadonlySet<string> = new Set(
  "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split(
    " ",
  ),
);

function readFrom(instruction: Instruction): Omit<Stage, "sources" | "triggers"> {
  const { line, args } = instruction;
  const words = plainWords(args);
  const [base, as, name] = words;
  const named = words.length === 3 && as?.toLowerCase() === "as";
  if (base === undefined || (words.length !== 1 && !named)) {
    throw new DockerfileRefusal(
      line,
      `FROM ${quote(args)} is neither "FROM image" nor "FROM image AS name"`,
      "remove the other words; comments need a line of their own",
    );
  }
  if (name !== undefined && !/^[a-z][a-z0-9_.-]*$/i.test(name)) {
    throw new DockerfileRefusal(
      line,
      `${quote(name)} cannot name a stage`,
      'start with a letter and use only letters, digits, "-", "_" and "."',
    );
  }
  const platform = flagValues(instruction, "platform", line).at(-1);
  return { base, line, ...(name !== undefined && { name }), ...(platform !== undefined && { platform }) };
}

function readArg({ args, line }: Instruction, escapeToken: Escape): readonly GlobalArg[] {
  if (args === "") throw new DockerfileRefusal(line, "ARG names nothing", "write ARG name or ARG name=value");
  return quotedWords(args, escapeToken).map((word) => {
    const equals = word.indexOf("=");
    if (equals === 0) throw new DockerfileRefusal(line, `ARG ${quote(word)} has no name`, "write ARG name=value");
    return equals < 0
      ? { name: word, line }
      : { name: word.slice(0, equals), defaultValue: word.slice(equals + 1), line };
  });
}

function readTrigger({ args, argsAt, line }: Instruction, escapeToken: Escape): Trigger {
  const instruction = splitInstruction(args, escapeToken, argsAt);
  if (["ONBUILD", "FROM", "MAINTAINER"].includes(instruction.keyword)) {
    throw new DockerfileRefusal(line, `ONBUILD ${instruction.keyword} is not allowed`, "remove it");
  }
  return { instruction, line };
}
