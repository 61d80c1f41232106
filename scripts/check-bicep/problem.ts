import type { Node } from "web-tree-sitter";

/** Something the template says that Azure would refuse, or that our own rules forbid. */
export interface Problem {
  readonly path: string;
  /** From 1; 0 when the whole file is meant. */
  readonly line: number;
  readonly message: string;
}

/** A problem at a place in a file. */
export function problemAt(path: string, node: Node | undefined, message: string): Problem {
  return { path, line: node ? node.startPosition.row + 1 : 0, message };
}
