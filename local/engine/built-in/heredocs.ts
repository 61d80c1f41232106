import { Add, Copy, type Instruction as ParsedInstruction, Run } from "dockerfile-ast";
import { EngineError } from "../engine.ts";

export interface Heredoc {
  readonly name: string;
  /** Every line with its line end; leading tabs gone when it began with `<<-`. */
  readonly content: string;
  /** False when the name was quoted. */
  readonly expands: boolean;
  /** As written in the instruction: `<<-"EOF"`. */
  readonly marker: string;
  /** The lines as written, from the first one of the body to the delimiter. */
  readonly source: string;
}

/** Here-documents of RUN, COPY and ADD. */
export function heredocsOf(found: ParsedInstruction, lines: readonly string[], line: number): Heredoc[] {
  if (!(found instanceof Run || found instanceof Copy || found instanceof Add)) return [];
  // Add has them like Copy, only its type does not say so.
  return (found as Copy).getHeredocs().map((heredoc) => {
    const name = heredoc.getName();
    const end = heredoc.getDelimiterRange()?.start.line;
    if (end === undefined) throw new EngineError(`line ${line}: the here-document ${name} does not end`);
    const start = heredoc.getContentRange()?.start.line ?? end;
    const at = heredoc.getStartRange();
    const head = lines[at.start.line]!.slice(at.start.character);
    const marker = /^<<-?\s*(?:"[^"]*"|'[^']*'|[^\s<>;&|]+)/.exec(head)?.[0] ?? `<<${name}`;
    const strips = marker.startsWith("<<-");
    const body = lines.slice(start, end).map((text) => `${strips ? text.replace(/^\t+/, "") : text}\n`);
    return {
      name,
      marker,
      content: body.join(""),
      expands: !/["']/.test(marker),
      source: lines.slice(start, end + 1).join("\n"),
    };
  });
}
