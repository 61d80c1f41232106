import { type Document, isAlias, isMap, isScalar, isSeq, type Node, visit } from "yaml";
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
  const add = (node: { range?: Node["range"] }, key: string, message: string, fix: string) =>
    problems.push({ ...place(node.range?.[0] ?? 0), key, message, fix });
  visit(document, {
    Node(_, node) {
      if ("tag" in node && node.tag !== undefined && !isAlias(node))
        add(node, "", "a YAML tag (`!…`) is used", "remove it, and quote the value if it is meant as text");
    },
    Alias(_, alias, ancestors) {
      if (ancestors.some((node) => (isMap(node) || isSeq(node)) && node.anchor === alias.source))
        add(alias, "", `\`*${plain(alias.source)}\` stands inside what it refers to`, "write the value out");
    },
    Map(_, map) {
      const seen = new Map<string, number>();
      for (const { key } of map.items) {
        if (!isScalar(key) || typeof key.value !== "string") continue;
        const name = key.value;
        const { line } = place(key.range?.[0] ?? 0);
        const first = seen.get(name);
        if (first !== undefined)
          add(key, plain(name), `\`${plain(name)}\` is given twice; the first is on line ${first}`, "keep one of them");
        else seen.set(name, line);
        if (name === "__proto__") add(key, name, "`__proto__` cannot be a key", "choose another name");
        if (name === "<<")
          add(
            key,
            name,
            "merge keys (`<<`) are not part of YAML 1.2",
            "write the keys out, or put shared ones under `defaults`",
          );
      }
    },
  });
  return problems;
}
