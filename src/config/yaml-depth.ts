import { type CST, Parser } from "yaml";

/**
 * Whether a text nests deeper than a limit, found without recursion.
 * The library composes a document by recursion, and 30 KB of `[` do not end in a RangeError one could catch: with the stack used up, V8 aborts the
 * process when it next compiles a regular expression. Its first stage keeps a stack of its own, so the depth is known before anything recurses.
 */
export function isDeeperThan(limit: number, text: string): boolean {
  const open = Array.from(new Parser().parse(text), (token): [CST.Token, number] => [token, 0]);
  for (let next = open.pop(); next; next = open.pop()) {
    const [token, depth] = next;
    if (depth > limit) return true;
    if (token.type === "document" && token.value) open.push([token.value, depth]);
    if (!("items" in token)) continue;
    for (const { key, value } of token.items) {
      if (key) open.push([key, depth + 1]);
      if (value) open.push([value, depth + 1]);
    }
  }
  return false;
}
