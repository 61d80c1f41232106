import { posix } from "node:path";
import { EngineError } from "../engine.ts";
import { Effort } from "./effort.ts";
import { Glob } from "./glob.ts";

interface Rule {
  readonly pattern: Glob;
  readonly reincludes: boolean;
}

/** Others have a turn between two paths. */
const stepsForPath = 2_000_000;

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
    const effort = new Effort(`asking .dockerignore about ${path.slice(-100)}`, stepsForPath);
    let ignored = false;
    for (const { pattern, reincludes } of this.#rules) {
      if (ignored === reincludes && pattern.matches(path, effort)) ignored = !reincludes;
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
  const pattern = new Glob(path);
  if (pattern.isMalformed) throw new EngineError(`syntax error in pattern ${JSON.stringify(text.slice(0, 100))}`);
  return path === "" ? [] : [{ pattern, reincludes }];
}
