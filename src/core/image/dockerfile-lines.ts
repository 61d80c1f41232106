import { parseDirective, withoutByteOrderMark } from "./dockerfile-directives.ts";
import type { Escape } from "./dockerfile-expand.ts";
import { type Heredoc, heredocsOf } from "./dockerfile-heredoc.ts";
import { DockerfileRefusal } from "./dockerfile-refusal.ts";
import { type SplitInstruction, splitInstruction } from "./dockerfile-words.ts";
import { isSpace, trimSpaceStart } from "./go-space.ts";
import { quote } from "./quote.ts";

/** An instruction and the physical lines it stands on, all 1-based. */
export interface Instruction extends SplitInstruction {
  readonly line: number;
  /** Last line before its heredocs. */
  readonly lastLine: number;
  /** Last line with its heredocs. */
  readonly endLine: number;
  /** Which physical lines its text was joined from, in order. */
  readonly pieces: readonly Piece[];
}

/** A stretch of an instruction's text that stands on one physical line. */
export interface Piece {
  /** Offset in the instruction's text. */
  readonly at: number;
  readonly length: number;
  /** 1-based. */
  readonly line: number;
  /** Offset in that line. */
  readonly column: number;
}

export interface DockerfileLines {
  readonly escapeToken: Escape;
  readonly instructions: readonly Instruction[];
  /** Physical lines without line ends; the first is line 1. */
  readonly physical: readonly string[];
}

/** BuildKit reads lines into a buffer of 64 KiB and fails on longer ones. */
const maxLineLength = 65_535;

/** Joins continued lines, drops comments, skips heredoc bodies. BuildKit's parser/parser.go */
export function readLines(text: string): DockerfileLines {
  const physical = withoutByteOrderMark(text).split("\n").map(withoutLineEnd);
  const tooLong = physical.findIndex((line) => line.length > maxLineLength);
  if (tooLong >= 0) {
    throw new DockerfileRefusal(
      tooLong + 1,
      `the line is longer than the ${maxLineLength} bytes BuildKit reads`,
      "split it with line continuations",
    );
  }
  const escapeToken = readEscape(physical);
  const instructions: Instruction[] = [];
  let next = 0;
  while (next < physical.length) {
    const start = next;
    const logical = readLogicalLine(physical, start, escapeToken);
    next = logical.next;
    if (logical.text === undefined) continue;
    const split = splitInstruction(logical.text, escapeToken);
    for (const heredoc of heredocsOf(logical.text, split, escapeToken, start + 1))
      next = skipHeredoc(physical, next, heredoc, start + 1);
    instructions.push({ ...split, line: start + 1, lastLine: logical.next, endLine: next, pieces: logical.pieces });
  }
  return { escapeToken, instructions, physical };
}

/** Directives stand at the very top; unlike `syntax`, `escape` is not looked for behind a `#!` line. */
function readEscape(physical: readonly string[]): Escape {
  const values = new Map<string, string>();
  for (const [index, line] of physical.entries()) {
    const directive = parseDirective(trimSpaceStart(line), "#");
    if (directive === undefined) break;
    if (values.has(directive.name)) {
      throw new DockerfileRefusal(
        index + 1,
        `only one ${directive.name} directive can be used`,
        "remove the second one",
      );
    }
    values.set(directive.name, directive.value);
    if (directive.name === "escape" && directive.value !== "\\" && directive.value !== "`") {
      throw new DockerfileRefusal(
        index + 1,
        `the escape directive must be \\ or a backtick, not ${quote(directive.value)}`,
        "write # escape=`",
      );
    }
  }
  return values.get("escape") === "`" ? "`" : "\\";
}

/** `text` is undefined for a blank line or a comment; `next` is the index of the first line after it. */
function readLogicalLine(
  physical: readonly string[],
  start: number,
  escapeToken: Escape,
): { readonly text?: string; readonly next: number; readonly pieces: readonly Piece[] } {
  const first = physical[start]!;
  const trimmed = isComment(first) ? "" : trimSpaceStart(first);
  let { text, continues } = withoutContinuation(trimmed, escapeToken);
  let next = start + 1;
  if (!continues && text === "") return { next, pieces: [] };
  const pieces: Piece[] = [{ at: 0, length: text.length, line: next, column: first.length - trimmed.length }];
  while (continues && next < physical.length) {
    const line = physical[next++]!;
    if (isComment(line) || trimSpaceStart(line) === "") continue;
    const part = withoutContinuation(line, escapeToken);
    pieces.push({ at: text.length, length: part.text.length, line: next, column: 0 });
    text += part.text;
    continues = part.continues;
  }
  return { text, next, pieces };
}

/** A line goes on when its last character but blanks is the escape character, and not one that is itself escaped. */
function withoutContinuation(
  line: string,
  escapeToken: Escape,
): { readonly text: string; readonly continues: boolean } {
  let end = line.length;
  while (end > 0 && (line[end - 1] === " " || line[end - 1] === "\t")) end--;
  const continues = line[end - 1] === escapeToken && line[end - 2] !== escapeToken;
  return continues ? { text: line.slice(0, end - 1), continues } : { text: line, continues };
}

function skipHeredoc(physical: readonly string[], from: number, heredoc: Heredoc, line: number): number {
  for (let index = from; index < physical.length; index++) {
    const text = physical[index]!;
    if ((heredoc.chomp ? text.replace(/^\t+/, "") : text) === heredoc.name) return index + 1;
  }
  throw new DockerfileRefusal(
    line,
    `the heredoc ${quote(heredoc.name)} is not closed`,
    `end it with a line that holds ${quote(heredoc.name)} and nothing else`,
  );
}

function isComment(line: string): boolean {
  let at = 0;
  while (at < line.length && isSpace(line[at]!)) at++;
  return line[at] === "#";
}

function withoutLineEnd(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === "\r") end--;
  return line.slice(0, end);
}
