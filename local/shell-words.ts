/** In single quotes, in which a shell reads nothing but the text. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Quoted where a shell would read something else. */
export function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : quoted(text);
}
