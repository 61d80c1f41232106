import { quote } from "./quote.ts";
import { parseReference } from "./reference.ts";

/** What ACR takes for the bases, or why it ends the run before the builder starts. */
export type Scan =
  | { readonly ok: true; readonly images: readonly string[] }
  /** `line` is 1-based; undefined when the file as a whole is meant. */
  | { readonly ok: false; readonly line?: number; readonly message: string };

/**
 * The scan that ACR does before every build step, with its limits: one physical line at a time, only FROM and ARG, plain
 * variables. What it cannot read fails the run, whatever the builder would have made of it (facts: acr-tasks.md §3.4;
 * https://github.com/Azure/acr/issues/697). Linear in the text and the build args.
 */
export function scanAsAcr(text: string, buildArgs: Readonly<Record<string, string>>, target: string): Scan {
  const args = new Map(Object.entries(buildArgs).map(([name, value]) => [name, withoutQuotes(value)]));
  const originOf = new Map<string, string>();
  const images = new Set<string>();
  for (const [index, raw] of text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    const words = raw.trim().split(/\s+/);
    const refuse = (message: string): Scan => ({ ok: false, line: index + 1, message });
    switch (words[0]!.toUpperCase()) {
      case "ARG":
        if (words[1] === undefined) return refuse("takes this line for an ARG without a name");
        defineArg(words[1], args);
        break;
      case "FROM": {
        const [, written, as, alias] = words;
        if (written === undefined || (as !== undefined && (as.toLowerCase() !== "as" || alias === undefined)))
          return refuse('understands nothing but "FROM image" and "FROM image AS name" on one line');
        const named = expandPlainly(withoutQuotes(written), args);
        const origin = originOf.get(named) ?? named;
        if (!parseReference(origin).ok) return refuse(`reads the image here as ${quote(origin)}`);
        images.add(origin);
        if (alias === undefined) break;
        originOf.set(alias, origin);
        if (target !== "" && alias === target) return { ok: true, images: [...images] };
      }
    }
  }
  return images.size > 0
    ? { ok: true, images: [...images] }
    : { ok: false, message: "finds no FROM on a line of its own" };
}

/** The first default counts, and a build argument before it. */
function defineArg(assignment: string, args: Map<string, string>): void {
  const equals = assignment.indexOf("=");
  const name = assignment.slice(0, equals);
  if (equals >= 0 && !args.has(name)) args.set(name, withoutQuotes(assignment.slice(equals + 1)));
}

/** No reference is longer, so what expands to more is cut. */
const nameMost = 1024;

/** `$N` and `${N}`; nothing between the braces is an operator, and what is unknown is empty. */
function expandPlainly(text: string, args: ReadonlyMap<string, string>): string {
  let result = "";
  for (let at = 0; at < text.length && result.length <= nameMost; ) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0) return result + text.slice(at);
    result += text.slice(at, dollar);
    const braced = text[dollar + 1] === "{";
    const start = dollar + (braced ? 2 : 1);
    const end = braced ? text.indexOf("}", start) : endOfName(text, start);
    if (end < 0) return result + text.slice(dollar);
    result += end === start ? "$" : (args.get(text.slice(start, end)) ?? "").slice(0, nameMost + 1);
    at = braced ? end + 1 : end;
  }
  return result;
}

function endOfName(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\w/.test(text[at]!)) at++;
  return at;
}

function withoutQuotes(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && `'"`.includes(text[start]!)) start++;
  while (end > start && `'"`.includes(text[end - 1]!)) end--;
  return text.slice(start, end);
}
