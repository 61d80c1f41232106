import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Language, type Node, Parser } from "web-tree-sitter";
import { type Problem, problemAt } from "./problem.ts";

/** One parsed .bicep or .bicepparam file. */
export interface BicepFile {
  readonly path: string;
  readonly root: Node;
}

let parser: Promise<Parser> | undefined;

async function newParser(): Promise<Parser> {
  await Parser.init();
  const grammar = dirname(createRequire(import.meta.url).resolve("tree-sitter-bicep/package.json"));
  const made = new Parser();
  made.setLanguage(await Language.load(join(grammar, "tree-sitter-bicep.wasm")));
  return made;
}

/** Parses; the tree always comes back, with the places where the text is not Bicep. */
export async function parseBicep(path: string, text: string): Promise<{ file: BicepFile; problems: Problem[] }> {
  parser ??= newParser();
  const tree = (await parser).parse(path.endsWith(".bicepparam") ? asBicep(text) : text);
  if (!tree) throw new Error(`${path}: the parser gave up`);
  const problems: Problem[] = [];
  for (const node of descendants(tree.rootNode)) {
    if (node.isError) problems.push(problemAt(path, node, `not Bicep: ${node.text.slice(0, 40).trim()}`));
    else if (node.isMissing) problems.push(problemAt(path, node, `missing ${node.type}`));
    else if (node.type === "object" || node.type === "array") problems.push(...crowded(path, node));
  }
  return { file: { path, root: tree.rootNode }, problems };
}

/** The grammar has no parameter files; an assignment there reads like a variable. */
function asBicep(text: string): string {
  return text.replace(/^param(?= +\w+ *=)/gm, "var");
}

/** Bicep wants a comma or a new line between items; the grammar does not mind. */
function crowded(path: string, list: Node): Problem[] {
  const problems: Problem[] = [];
  let previous: Node | undefined;
  for (const child of list.children) {
    if (child.isNamed && child.type !== "comment") {
      const crowds = previous?.isNamed && previous.endPosition.row === child.startPosition.row;
      if (crowds) problems.push(problemAt(path, child, "a comma or a new line must stand before this item"));
    }
    previous = child;
  }
  return problems;
}

/** The node and everything under it, in source order. */
export function* descendants(node: Node): Generator<Node> {
  yield node;
  for (const child of node.children) yield* descendants(child);
}
