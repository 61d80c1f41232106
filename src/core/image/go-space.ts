/** White space as Go's unicode.IsSpace has it, which BuildKit's parser uses; JavaScript's own `\s` and trim() differ by U+0085 and U+FEFF. */
const spaces = new Set("\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000");
for (let code = 0x2000; code <= 0x200a; code++) spaces.add(String.fromCharCode(code));

export function isSpace(character: string): boolean {
  return spaces.has(character);
}

export function trimSpaceStart(text: string): string {
  let start = 0;
  while (start < text.length && isSpace(text[start]!)) start++;
  return text.slice(start);
}

export function trimSpace(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text[end - 1]!)) end--;
  return trimSpaceStart(text.slice(0, end));
}
