/**
 * Untrusted text inside a message: one line, at most 60 characters, control and bidirectional characters spelled out, so that a problem
 * can be logged, posted to a pull request or shown in a terminal as it is.
 */
export function show(value: unknown): string {
  return typeof value === "string" ? `"${plain(value)}"` : plain(JSON.stringify(value) ?? "nothing");
}

/** The same without the quotes, for keys. */
export function plain(text: string): string {
  const characters = Array.from(text.slice(0, 200));
  const shown = characters.slice(0, 60).map(spelledOut).join("");
  return characters.length > 60 ? `${shown}…` : shown;
}

function spelledOut(character: string): string {
  if (!/[\p{C}\p{Zl}\p{Zp}]/u.test(character)) return character;
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
}
