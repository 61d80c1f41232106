/**
 * YAML as our configuration files use it: one document of YAML 1.2 (so `on` is a word and not `true`), text keys, no tags, no merge keys.
 * Whatever is refused here is refused with a place, before anything looks at the values.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
} from "yaml";
import type { ConfigProblem, Parsed } from "../core/config/definition.ts";
import { plain } from "./show.ts";
import { isDeeperThan } from "./yaml-depth.ts";
import { describeSyntaxError, type Place, refusedNodes } from "./yaml-refusals.ts";

/** A configuration file larger than this is refused unread. */
const maxBytes = 256 * 1024;
/** Our files need six levels. */
const maxDepth = 32;
/** More problems than anybody mends in one go; a list has to fit where it is stored and shown. */
export const maxProblems = 100;
/** How often the aliases of a file may be expanded in all. */
const maxAliasCount = 100;

export type Path = readonly (string | number)[];

/** A file that is valid YAML, and where in it everything stands. */
export interface YamlSource {
  readonly value: unknown;
  /** Problem at the value under a path; at the innermost key that exists when there is no such value. */
  readonly problemAt: (path: Path, message: string, fix: string) => ConfigProblem;
  /** Problem at a key itself rather than at its value. */
  readonly problemAtKey: (path: Path, message: string, fix: string) => ConfigProblem;
  /** The value as its author wrote it, `1.0` and not `1`; undefined when it is not a single scalar. */
  readonly written: (path: Path) => string | undefined;
}

/** Reads YAML and never throws: syntax errors, duplicate keys and refused features come back as problems, all at once. */
export function readYaml(text: string): Parsed<YamlSource> {
  if (text.length > maxBytes || Buffer.byteLength(text) > maxBytes)
    return refused(
      `the file is larger than ${maxBytes / 1024} KiB`,
      "split it, or move the long parts into the Dockerfiles",
    );
  if (isDeeperThan(maxDepth, text))
    return refused("the file is nested too deeply", "use less nesting; no key needs more than six levels");
  try {
    return parse(text);
  } catch (error) {
    // How the library says that aliases, expanded only now, come to too much or stand in themselves.
    if (!(error instanceof ReferenceError)) throw error;
    return refused(
      "the file's anchors and aliases refer to each other too often",
      "write the values out, without `&` and `*`",
    );
  }
}

function refused(message: string, fix: string): Parsed<never> {
  return { ok: false, problems: [{ line: 1, column: 1, key: "", message, fix }] };
}

function parse(text: string): Parsed<YamlSource> {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: "1.2",
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    // The library compares every key with every other; `duplicateKeys` below needs one look each.
    uniqueKeys: false,
    logLevel: "error",
  });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems: ConfigProblem[] = [];
  if (document.directives?.yaml.version !== "1.2")
    problems.push({
      line: 1,
      column: 1,
      key: "",
      message: "the file asks for an older YAML",
      fix: "remove the %YAML line; files are read as YAML 1.2",
    });
  for (const error of document.errors.slice(0, maxProblems)) {
    const { message, fix } = describeSyntaxError(error.code, error.message);
    problems.push({ ...place(error.pos[0]), key: "", message, fix });
  }
  problems.push(...refusedNodes(document, place).slice(0, maxProblems));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: source(document, text, document.toJS({ maxAliasCount }), place) };
}

function source(document: Document.Parsed, text: string, value: unknown, place: Place): YamlSource {
  const problem = (node: Node | undefined, path: Path, message: string, fix: string): ConfigProblem => ({
    ...place(node?.range?.[0] ?? 0),
    key: formatPath(path),
    message,
    fix,
  });
  return {
    value,
    problemAt: (path, message, fix) => {
      const found = locate(document, path);
      return problem(found.complete ? found.value : found.key, path, message, fix);
    },
    problemAtKey: (path, message, fix) => problem(locate(document, path).key, path, message, fix),
    written: (path) => {
      const found = locate(document, path);
      if (!found.complete || !isScalar(found.value) || !found.value.range) return undefined;
      return text.slice(found.value.range[0], found.value.range[1]);
    },
  };
}

interface Located {
  /** Whether the whole path exists. */
  readonly complete: boolean;
  /** The innermost existing key on the path. */
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

function locate(document: Document.Parsed, path: Path): Located {
  let key: Node | undefined;
  let value = resolved(document, document.contents);
  for (const step of path) {
    if (isMap(value)) {
      const pair = value.items.find((item) => (item.key as Scalar).value === step);
      if (!pair) return { complete: false, key, value };
      key = pair.key as Node;
      value = resolved(document, pair.value as Node | null);
    } else if (isSeq(value) && typeof step === "number" && step < value.items.length) {
      value = resolved(document, value.items[step] as Node | null);
      key = value ?? key;
    } else return { complete: false, key, value };
  }
  // A key without a value has no node of its own to point at.
  return { complete: value !== undefined, key, value };
}

function resolved(document: Document.Parsed, node: Node | null): Node | undefined {
  return (isAlias(node) ? node.resolve(document) : node) ?? undefined;
}

/** `images.web.tags.stable[0]` */
function formatPath(path: Path): string {
  return path.reduce<string>((before, step) => {
    if (typeof step === "number") return `${before}[${step}]`;
    return before === "" ? plain(step) : `${before}.${plain(step)}`;
  }, "");
}
