import { type Escape, ExpansionError, expandWord } from "./dockerfile-expand.ts";
import { DockerfileRefusal } from "./dockerfile-refusal.ts";
import { csvFields, type Span, type SplitInstruction } from "./dockerfile-words.ts";
import { quote } from "./quote.ts";

/** Where an instruction takes files from besides the build context; whether that is a stage or an image is not decided yet. */
export interface Source {
  /** Index or name of a stage, or an image, as written. */
  readonly from: string;
  readonly by: "COPY" | "RUN";
  readonly line: number;
  readonly flag: Flag;
}

export interface Flag {
  /** Its quotes and escapes removed. */
  readonly text: string;
  /** The whole flag in the instruction's text. */
  readonly span: Span;
}

/** `COPY --from=` and `RUN --mount=…,from=`. ADD has no such flag. */
export function sourcesOf(instruction: SplitInstruction, line: number, escapeToken: Escape): readonly Source[] {
  if (instruction.keyword === "COPY") return copySources(instruction, line, escapeToken);
  if (instruction.keyword === "RUN") return mountSources(instruction, line);
  return [];
}

const useStage = "name the image in a FROM of its own (FROM may use global ARGs), and use that stage";

function copySources(instruction: SplitInstruction, line: number, escapeToken: Escape): readonly Source[] {
  const [first, second] = flagsNamed(instruction, "from", line);
  if (second !== undefined) throw new DockerfileRefusal(line, "COPY has two --from flags", "keep one of them");
  if (first === undefined || first.value === "") return [];
  const { value: from, flag } = first;
  if (changesWhenExpanded(from, escapeToken)) {
    throw new DockerfileRefusal(line, `variables are not allowed in COPY --from=${quote(from)}`, useStage);
  }
  return [{ from, by: "COPY", line, flag }];
}

function changesWhenExpanded(from: string, escapeToken: Escape): boolean {
  const allowance = { steps: from.length * 64 + 1024 };
  try {
    return expandWord(from, { escapeToken, variables: new Map(), allowance }) !== from;
  } catch (error) {
    if (error instanceof ExpansionError) return true;
    throw error;
  }
}

function mountSources(instruction: SplitInstruction, line: number): readonly Source[] {
  return flagsNamed(instruction, "mount", line).flatMap(({ value: mount, flag }) => {
    const fields = csvFields(mount);
    if (fields === undefined)
      throw new DockerfileRefusal(
        line,
        `the quotes in --mount=${quote(mount)} do not match`,
        "quote whole fields only",
      );
    const options = new Map(fields.flatMap(option));
    const from = options.get("from");
    if (from === undefined || from === "") return [];
    // A dollar sign at the very end is no variable, and BuildKit looks at the first one only.
    if (from.includes("$") && from.indexOf("$") !== from.length - 1) {
      throw new DockerfileRefusal(line, `variables are not allowed in RUN --mount=from=${quote(from)}`, useStage);
    }
    if (options.get("type")?.toLowerCase() === "secret") {
      throw new DockerfileRefusal(line, "a secret mount cannot have from=", "remove from=");
    }
    return [{ from, by: "RUN" as const, line, flag }];
  });
}

function option(field: string): [string, string][] {
  const equals = field.indexOf("=");
  return equals < 0 ? [] : [[field.slice(0, equals).toLowerCase(), field.slice(equals + 1)]];
}

/** Values of a flag, in order. Flag names are case-sensitive; flags we do not know belong to newer frontends and are left alone. */
export function flagValues(instruction: SplitInstruction, name: string, line: number): readonly string[] {
  return flagsNamed(instruction, name, line).map(({ value }) => value);
}

function flagsNamed(
  { flags, flagSpans }: SplitInstruction,
  name: string,
  line: number,
): readonly { readonly value: string; readonly flag: Flag }[] {
  return flags.flatMap((text, index) => {
    if (text === `--${name}`) throw new DockerfileRefusal(line, `--${name} has no value`, `write --${name}=…`);
    const flag = { text, span: flagSpans[index]! };
    return text.startsWith(`--${name}=`) ? [{ value: text.slice(name.length + 3), flag }] : [];
  });
}
