import { posix } from "node:path";

interface Rule {
  readonly pattern: RegExp;
  readonly reincludes: boolean;
}

/** The rules of a .dockerignore: the last one that matches a path, or a folder above it, decides. */
export class Dockerignore {
  readonly #rules: readonly Rule[];
  /** Some rule brings back what an earlier one left out, so ignored folders must be looked into too. */
  readonly reincludes: boolean;

  constructor(text: string) {
    this.#rules = text
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/)
      .flatMap((line) => parseRule(line));
    this.reincludes = this.#rules.some((rule) => rule.reincludes);
  }

  /** `path` is relative, with slashes. */
  ignores(path: string): boolean {
    const parts = path.split("/");
    const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
    let ignored = false;
    for (const { pattern, reincludes } of this.#rules) {
      if (ignored === reincludes && prefixes.some((prefix) => pattern.test(prefix))) ignored = !reincludes;
    }
    return ignored;
  }
}

function parseRule(line: string): Rule[] {
  const text = line.trim();
  if (text === "" || line.startsWith("#")) return [];
  const reincludes = text.startsWith("!");
  const written = reincludes ? text.slice(1).trim() : text;
  const path = posix.normalize(`/${written}`).replace(/^\/+|\/+$/g, "");
  return path === "" ? [] : [{ pattern: toRegExp(path), reincludes }];
}

/** `**` crosses folders, `*` and `?` do not; `[a-z]`, `[^a]` and `\x` as in Go's filepath.Match. */
function toRegExp(path: string): RegExp {
  const tokens = path.match(/\*\*\/?|\[\^?(?:\\.|[^\]\\])+\]|\\.|[\s\S]/g) ?? [];
  const parts = tokens.map((token) => {
    if (token === "**/") return "(?:.*/)?";
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (token.length > 1 && token.startsWith("[")) return token;
    return (token.length === 2 ? token[1]! : token).replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`, "su");
}
