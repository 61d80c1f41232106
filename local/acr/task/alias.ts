import { parse, YAMLError } from "yaml";
import { TaskError } from "./task-error.ts";
import { maxText } from "./template/functions.ts";

/** Aliases every v1.1.0 task has; the images stand for the first word of a `cmd`, without a directive. */
const builtIn: Readonly<Record<string, string>> = {
  ID: "{{.Run.ID}}",
  SharedVolume: "{{.Run.SharedVolume}}",
  Registry: "{{.Run.Registry}}",
  RegistryName: "{{.Run.RegistryName}}",
  Date: "{{.Run.Date}}",
  OS: "{{.Run.OS}}",
  Architecture: "{{.Run.Architecture}}",
  Commit: "{{.Run.Commit}}",
  Branch: "{{.Run.Branch}}",
  acr: "mcr.microsoft.com/acr/acr-cli:0.19",
  az: "mcr.microsoft.com/acr/azure-cli:2ff604c",
  bash: "mcr.microsoft.com/acr/bash:2ff604c",
  curl: "mcr.microsoft.com/acr/curl:2ff604c",
  cssc: "mcr.microsoft.com/acr/cssc:2ff604c",
};

export interface Aliases {
  readonly directive: string;
  readonly values: Readonly<Record<string, string>>;
}

/** Fetches what `alias.src` names: a path in the source, or an http(s) URL. */
export type ReadAliasSource = (location: string) => Promise<string>;

/** Aliases exist from version v1.1.0 on. The version is read line by line, before the file need be valid YAML. */
export function usesAliases(text: string): boolean {
  const version = /^['"]?version['"]?\s*:\s*(.*?)\s*$/m.exec(text)?.[1]?.replaceAll(/^['"]+|['"]+$/g, "");
  return version !== undefined && version >= "v1.1.0";
}

/** Takes the top-level `alias:` block out of a task; comments go with it, as ACR drops them here. */
export function separateAliases(text: string): { block: string; rest: string } {
  const block: string[] = [];
  const rest: string[] = [];
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*#/.test(line)) continue;
    if (!inside && /^alias\s*:/.test(line)) inside = true;
    else if (inside && /^[^\s:]+[^:]*:/.test(line)) inside = false;
    (inside ? block : rest).push(line);
  }
  return { block: block.join("\n"), rest: rest.join("\n") };
}

/** Reads an `alias:` block, templates in it already rendered. The block's own values beat files, later files earlier ones. */
export async function readAliases(block: string, read: ReadAliasSource): Promise<Aliases> {
  const fields = mapping(mapping(parsed(block)).alias);
  const directive = typeof fields.directive === "string" && fields.directive !== "" ? fields.directive : "$";
  let values = textValues(fields.values);
  const sources = Array.isArray(fields.src) ? fields.src : [];
  for (const source of sources.reverse()) {
    if (typeof source !== "string") throw unreadable("src is not a list of text");
    values = { ...textValues(parsed(await read(source))), ...values };
  }
  if ([...directive].length !== 1) throw new TaskError("$ directive can only be overwritten by a single character");
  if (/[a-zA-Z0-9]/.test(directive)) {
    throw new TaskError("overwritten directives may not be alphanumeric characters");
  }
  for (const key of Object.keys(values)) {
    if (!/^[a-zA-Z0-9]+$/.test(key)) throw new TaskError("alias key names only support alphanumeric characters");
  }
  return { directive, values: { ...builtIn, ...values } };
}

function parsed(text: string): unknown {
  try {
    return parse(text, { schema: "failsafe", logLevel: "error" });
  } catch (error) {
    if (error instanceof YAMLError || error instanceof RangeError || error instanceof ReferenceError) {
      throw unreadable(error.message.split("\n")[0]!);
    }
    throw error;
  }
}

/** What is empty reads as an empty mapping. */
function mapping(value: unknown): Record<string, unknown> {
  if (value === null || value === undefined || value === "") return {};
  if (typeof value !== "object" || Array.isArray(value)) throw unreadable("not a mapping");
  return value as Record<string, unknown>;
}

function textValues(value: unknown): Record<string, string> {
  const values = mapping(value);
  for (const [key, text] of Object.entries(values)) {
    if (typeof text !== "string") throw unreadable(`the value of ${key} is not text`);
  }
  return values as Record<string, string>;
}

function unreadable(why: string): TaskError {
  return new TaskError(`error during alias unmarshaling: yaml: ${why}`);
}

/**
 * `$Name` becomes its value, `$$` a literal `$`, a name nobody knows stays as it is. The engine's own slip is kept: a
 * directive right behind an unknown name counts as text, so of `$none$Registry` nothing is replaced.
 */
export function replaceAliases(text: string, { directive, values }: Aliases): string {
  const mark = directive.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
  const pattern = new RegExp(`${mark}(?:${mark}|([a-zA-Z0-9]+))`, "g");
  let out = "";
  let from = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const [whole, name] = match;
    const known = name === undefined ? directive : Object.hasOwn(values, name) ? values[name]! : undefined;
    out += text.slice(from, match.index) + (known ?? whole);
    from = pattern.lastIndex;
    if (known === undefined && text.startsWith(directive, from)) {
      out += directive;
      from += directive.length;
      pattern.lastIndex = from;
    }
    if (out.length > maxText) throw new TaskError(`the task is over ${maxText} characters with its aliases replaced`);
  }
  return out + text.slice(from);
}

/** The image names that may stand first in a `cmd` without a directive. */
export function expandImageAlias(cmd: string, { values }: Aliases): string {
  const [first = "", ...rest] = cmd.trim().split(" ");
  return Object.hasOwn(values, first) ? [values[first], ...rest].join(" ") : cmd;
}
