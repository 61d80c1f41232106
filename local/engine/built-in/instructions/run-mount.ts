import { posix } from "node:path";
import { EngineError } from "../../engine.ts";

/** One `RUN --mount`, its defaults filled in. https://docs.docker.com/reference/dockerfile/#run---mount */
export interface RunMount {
  readonly type: "bind" | "cache" | "tmpfs" | "secret";
  /** As written; empty for a secret that is only a variable. */
  readonly target: string;
  readonly source: string;
  readonly from?: string;
  readonly id: string;
  readonly readOnly: boolean;
  readonly required: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes, of a tmpfs. */
  readonly size: number;
  /** The variable a secret goes into. */
  readonly env?: string;
}

const otherNames: Readonly<Record<string, string>> = {
  src: "source",
  dst: "target",
  destination: "target",
  ro: "readonly",
  rw: "readwrite",
};
const known: Readonly<Record<RunMount["type"], string>> = {
  bind: "target source from readonly readwrite",
  cache: "id target source from readonly readwrite sharing mode uid gid",
  tmpfs: "target size",
  secret: "id target required mode uid gid env",
};

export function parseMount(text: string, expand: (word: string) => string): RunMount {
  const options = new Map(text.split(",").map((part) => readOption(part, expand)));
  const type = options.get("type") ?? "bind";
  if (!isType(type)) throw new EngineError(`RUN --mount=type=${type} is not supported by the built-in engine`);
  for (const name of options.keys()) {
    if (name === "type" || known[type].split(" ").includes(name)) continue;
    throw new EngineError(`RUN --mount=type=${type} has no option ${JSON.stringify(name)}`);
  }
  const id = options.get("id") || options.get("target") || "";
  const env = options.get("env");
  const usualTarget = type === "secret" && env === undefined ? `/run/secrets/${posix.basename(id)}` : "";
  const target = options.get("target") ?? usualTarget;
  if (id === "" && type === "secret") throw new EngineError("RUN --mount=type=secret needs an id or a target");
  if (target === "" && env === undefined) throw new EngineError(`RUN --mount=type=${type} needs a target`);
  const sharing = options.get("sharing") ?? "shared";
  if (!["shared", "private", "locked"].includes(sharing)) throw new EngineError(`${sharing} is no way of sharing`);
  const isWritten = options.has("readwrite") ? isTrue(options.get("readwrite")!) : type !== "bind" && type !== "secret";
  return {
    type,
    target,
    id: type === "secret" && !options.has("id") ? posix.basename(id) : id,
    source: options.get("source") ?? "/",
    from: options.get("from"),
    readOnly: options.has("readonly") ? isTrue(options.get("readonly")!) : !isWritten,
    required: isTrue(options.get("required") ?? "false"),
    mode: number(options.get("mode") ?? (type === "secret" ? "0400" : "0755"), 8),
    uid: number(options.get("uid") ?? "0", 10),
    gid: number(options.get("gid") ?? "0", 10),
    size: readSize(options.get("size") ?? "64m"),
    env,
  };
}

function readOption(part: string, expand: (word: string) => string): [name: string, value: string] {
  const equals = part.indexOf("=");
  const written = (equals < 0 ? part : part.slice(0, equals)).toLowerCase();
  const name = otherNames[written] ?? written;
  if (equals < 0) return [name, "true"];
  // The stages a build needs are known before any variable of a stage is.
  const value = part.slice(equals + 1);
  if (name === "from" && value.includes("$"))
    throw new EngineError(`RUN --mount: from=${value} cannot hold a variable`);
  return [name, expand(value)];
}

function isType(type: string): type is RunMount["type"] {
  return Object.hasOwn(known, type);
}

function isTrue(text: string): boolean {
  if (["true", "1"].includes(text)) return true;
  if (["false", "0"].includes(text)) return false;
  throw new EngineError(`RUN --mount: ${JSON.stringify(text)} is neither true nor false`);
}

function number(text: string, base: 8 | 10): number {
  if (!(base === 8 ? /^[0-7]{1,5}$/ : /^\d{1,10}$/).test(text))
    throw new EngineError(`RUN --mount: ${text} is no number`);
  return Number.parseInt(text, base);
}

/** Docker's `64m`, `1g`. */
function readSize(text: string): number {
  const match = /^(\d{1,12})([kmg]?)b?$/i.exec(text);
  if (!match) throw new EngineError(`RUN --mount: ${text} is no size`);
  return Number(match[1]) * 1024 ** ["", "k", "m", "g"].indexOf(match[2]!.toLowerCase());
}
