import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  type Node,
  type Scalar,
  visit,
  type YAMLMap,
} from "yaml";
import type { ConfigProblem } from "../core/config/definition.ts";
import { plain } from "./show.ts";

/** Line and column, both from 1, of a character offset. */
export type Place = (offset: number) => { line: number; column: number };

/** The parser's errors in our words, where ours are better. */
export function describeSyntaxError(code: string, message: string): { message: string; fix: string } {
  switch (code) {
    case "TAB_AS_INDENT":
      return { message: "a tab is used as indentation", fix: "indent with blanks" };
    case "MULTIPLE_DOCS":
      return {
        message: "the file holds several YAML documents",
        fix: "keep one; remove the `---` line and what follows",
      };
    case "NON_STRING_KEY":
      return { message: "a key is not plain text", fix: "write every key as a single word" };
    default:
      return {
        message: `not valid YAML: ${plain(message)}`,
        fix: "check indentation, quotes and brackets here and on the line above",
      };
  }
}

/** What valid YAML may hold but our files may not. */
export function refusedNodes(document: Document.Parsed, place: Place): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (node: Node, key: string, message: string, fix: string) =>
    problems.push({ ...place(node.range?.[0] ?? 0), key, message, fix });
  const anchors = new Set<string>();
  visit(document, (_, node, ancestors) => {
    if (!isNode(node)) return;
    if (isAlias(node)) {
      const name = plain(node.source);
      if (!anchors.has(node.source))
        add(
          node,
          "",
          `\`*${name}\` refers to nothing before it`,
          `write the value out, or put \`&${name}\` before the first one`,
        );
      else if (ancestors.some((ancestor) => isCollection(ancestor) && ancestor.anchor === node.source))
        add(node, "", `\`*${name}\` stands inside what it refers to`, "write the value out");
      return;
    }
    if (node.anchor !== undefined) anchors.add(node.anchor);
    if (node.tag !== undefined)
      add(node, "", "a YAML tag (`!…`) is used", "remove it, and quote the value if it is meant as text");
    if (isMap(node))
      for (const [key, message, fix] of refusedKeys(node, place)) add(key, plain(key.value), message, fix);
  });
  return problems;
}

type RefusedKey = readonly [key: Scalar<string>, message: string, fix: string];

function* refusedKeys(map: YAMLMap, place: Place): Generator<RefusedKey> {
  const lineByKey = new Map<string, number>();
  for (const { key } of map.items) {
    if (!isTextKey(key)) continue;
    const first = lineByKey.get(key.value);
    if (first === undefined) lineByKey.set(key.value, place(key.range?.[0] ?? 0).line);
    else yield [key, `\`${plain(key.value)}\` is given twice; the first is on line ${first}`, "keep one of them"];
    if (key.value === "__proto__") yield [key, "`__proto__` cannot be a key", "choose another name"];
    if (key.value === "<<")
      yield [
        key,
        "merge keys (`<<`) are not part of YAML 1.2",
        "write the keys out, or put shared ones under `defaults`",
      ];
  }
}

function isTextKey(key: unknown): key is Scalar<string> {
  return isScalar(key) && typeof key.value === "string";
}
