import { parse } from "yaml";
import { TaskError } from "./task-error.ts";

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

/** Aliases exist from version v1.1.0 on. The version is read line by line, before the file need be valid YAML. */
export function usesAliases(text: string): boolean {
  const version = /^['"]?version['"]?\s*:\s*(.*?)\s*$/m.exec(text)?.[1]?.replaceAll(/^['"]+|['"]+$/g, "");
  return version !== undefined && version >= "v1.1.0";
}

/** Takes the top-level `alias:` block out of a task; comments go with it, as ACR drops them here. */
export function separateAliases(text: string): { aliases: Aliases; rest: string } {
  const block: string[] = [];
  const rest: string[] = [];
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*#/.test(line)) continue;
    if (!inside && /^alias\s*:/.test(line)) inside = true;
    else if (inside && /^[^\s:]+[^:]*:/.test(line)) inside = false;
    (inside ? block : rest).push(line);
  }
  return { aliases: readAliases(block.join("\n")), rest: rest.join("\n") };
}

function readAliases(block: string): Aliases {
  const parsed = (parse(block, { schema: "failsafe" }) ?? {}) as { alias?: Record<string, unknown> | string };
  const alias = typeof parsed.alias === "object" ? parsed.alias : {};
  if (alias.src !== undefined) throw new TaskError("alias.src is not emulated by the local twin: use alias.values");
  const directive = typeof alias.directive === "string" && alias.directive !== "" ? alias.directive : "$";
  if ([...directive].length !== 1) throw new TaskError("$ directive can only be overwritten by a single character");
  if (/[a-zA-Z0-9]/.test(directive)) {
    throw new TaskError("overwritten directives may not be alphanumeric characters");
  }
  const own = (alias.values ?? {}) as Record<string, string>;
  for (const key of Object.keys(own)) {
    if (!/^[a-zA-Z0-9]+$/.test(key)) throw new TaskError("alias key names only support alphanumeric characters");
  }
  return { directive, values: { ...builtIn, ...own } };
}

/** `$Name` becomes its value, `$$` a literal `$`; a name nobody knows stays as it is. */
export function replaceAliases(text: string, { directive, values }: Aliases): string {
  const mark = directive.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
  return text.replaceAll(new RegExp(`${mark}(?:${mark}|([a-zA-Z0-9]+))`, "g"), (whole, name: string | undefined) => {
    if (name === undefined) return directive;
    return Object.hasOwn(values, name) ? values[name]! : whole;
  });
}

/** The image names that may stand first in a `cmd` without a directive. */
export function expandImageAlias(cmd: string, { values }: Aliases): string {
  const [first = "", ...rest] = cmd.trim().split(" ");
  return Object.hasOwn(values, first) ? [values[first], ...rest].join(" ") : cmd;
}
