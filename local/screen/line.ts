/** How a piece of text looks; the terminal's own colours, so that people's themes hold. */
export type Style = "plain" | "bold" | "dim" | "good" | "bad" | "busy";
export type Piece = readonly [text: string, style: Style];
/** One row of the screen. */
export type Line = readonly Piece[];

const codes: Readonly<Record<Style, string>> = {
  plain: "",
  bold: "\u001b[1m",
  dim: "\u001b[2m",
  good: "\u001b[32m",
  bad: "\u001b[31m",
  busy: "\u001b[36m",
};

/** At most `width` characters, cut with an ellipsis; styled only with `colour`. */
export function formatLine(
  line: Line,
  { width, colour }: { readonly width: number; readonly colour: boolean },
): string {
  let room = width;
  const whole = line.reduce((sum, [text]) => sum + text.length, 0) <= width;
  let out = "";
  for (const [text, style] of line) {
    if (room <= 0) break;
    const fits = whole || text.length < room ? text : `${text.slice(0, room - 1)}…`;
    room -= fits.length;
    out += colour && codes[style] !== "" ? `${codes[style]}${fits}\u001b[0m` : fits;
  }
  return out.trimEnd();
}

/** Breaks text at blanks into rows of at most `width` characters; a word that is longer stays whole. */
export function wrap(text: string, width: number): string[] {
  const rows: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = rows.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) rows[rows.length - 1] = `${last} ${word}`;
    else rows.push(word);
  }
  return rows;
}
