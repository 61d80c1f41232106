/** One challenge of a `WWW-Authenticate` header. Scheme and parameter names in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Challenges in order, per RFC 9110 §11.6.1. Quoted values may contain commas and escapes, so this reads tokens rather than splitting.
 * A header that stops making sense gives what was read up to there.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  let parameters: Map<string, string> | undefined;
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = position;
    const match = pattern.exec(header);
    if (match) position = pattern.lastIndex;
    return match ?? undefined;
  };
  while (position < header.length) {
    if (take(/[\s,]+/y)) continue;
    const parameter = take(/([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~\w:/-]+))/y);
    if (parameter) {
      const name = parameter[1]!.toLowerCase();
      const value = parameter[2]?.replace(/\\(.)/g, "$1") ?? parameter[3] ?? "";
      if (parameters && !parameters.has(name)) parameters.set(name, value);
      continue;
    }
    const scheme = take(/[!#$%&'*+.^_`|~\w-]+(?![!#$%&'*+.^_`|~\w-]|[ \t]*=)/y);
    if (!scheme) break;
    parameters = new Map();
    challenges.push({ scheme: scheme[0].toLowerCase(), parameters });
    take(/[ \t]+[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))/y); // token68, which no registry scheme uses
  }
  return challenges;
}
