import { type Escape, ExpansionError, rawWords, unquotedWords } from "./dockerfile-expand.ts";
import { DockerfileRefusal } from "./dockerfile-refusal.ts";
import { type SplitInstruction, splitInstruction } from "./dockerfile-words.ts";

export interface Heredoc {
  /** The line that ends it. */
  readonly name: string;
  /** `<<-`: tabs before the last line do not count. */
  readonly chomp: boolean;
}

const withHeredocs: ReadonlySet<string> = new Set(["RUN", "COPY", "ADD"]);

/** The heredocs that an instruction opens, in order. https://docs.docker.com/reference/dockerfile/#here-documents */
export function heredocsOf(
  text: string,
  instruction: SplitInstruction,
  escapeToken: Escape,
  line: number,
): readonly Heredoc[] {
  if (!text.includes("<<")) return [];
  const inner = instruction.keyword === "ONBUILD" ? splitInstruction(instruction.args, escapeToken) : instruction;
  if (!withHeredocs.has(inner.keyword) || isJsonList(inner.args)) return [];
  return wordsOf(text).flatMap((word) => {
    const heredoc = parseHeredoc(word, line);
    return heredoc === undefined ? [] : [heredoc];
  });
}

/** A line that BuildKit cannot split has no heredocs, whatever a shell would make of it. */
function wordsOf(text: string): readonly string[] {
  try {
    return rawWords(text);
  } catch (error) {
    if (error instanceof ExpansionError) return [];
    throw error;
  }
}

/** `[digits]<<[-][blanks]name`; the name may be quoted, and no further `<` may follow. */
function parseHeredoc(word: string, line: number): Heredoc | undefined {
  const opening = /^[0-9]*<<(-?)/.exec(word);
  if (opening === null) return undefined;
  const rest = word.slice(opening[0].length);
  if (rest.includes("<")) return undefined;
  const names = namesIn(rest, line);
  return names.length === 1 ? { name: names[0]!, chomp: opening[1] === "-" } : undefined;
}

function namesIn(rest: string, line: number): readonly string[] {
  try {
    return unquotedWords(rest);
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    throw new DockerfileRefusal(
      line,
      `the name of a heredoc cannot be read: ${error.message}`,
      "use letters and digits, as in <<EOF",
    );
  }
}

/** Exec form, `["a", "b"]`: nothing in it is a heredoc. */
function isJsonList(args: string): boolean {
  if (!args.startsWith("[")) return false;
  try {
    const value: unknown = JSON.parse(args);
    return Array.isArray(value) && value.every((each) => typeof each === "string");
  } catch {
    return false;
  }
}
