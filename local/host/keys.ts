import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { AuthLevel } from "./metadata.ts";

/** The shape of `--keys`: key values by key name. */
export interface KeysFile {
  readonly master: string;
  readonly host?: Readonly<Record<string, string>>;
  readonly functions?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export async function readKeys(path: string): Promise<KeysFile> {
  try {
    const keys = JSON.parse(await readFile(path, "utf8")) as KeysFile;
    if (typeof keys.master !== "string" || keys.master === "") throw new Error("master must be a non-empty string");
    return keys;
  } catch (cause) {
    throw new Error(`read keys file ${path}`, { cause });
  }
}

/** Without a keys file nobody knows a key: everything but `anonymous` answers 401. */
export function randomKeys(): KeysFile {
  return { master: randomBytes(32).toString("base64url") };
}

/**
 * Whether a request's key opens a function: `function` takes the function's keys, a host key or the master key, `admin` the
 * master key alone (https://learn.microsoft.com/azure/azure-functions/function-keys-how-to).
 */
export function isAllowed(keys: KeysFile, level: AuthLevel, functionName: string, key: string | undefined): boolean {
  if (level === "anonymous") return true;
  if (key === undefined || key === "") return false;
  if (key === keys.master) return true;
  if (level === "admin") return false;
  const own = Object.entries(keys.functions ?? {}).find(
    ([name]) => name.toLowerCase() === functionName.toLowerCase(),
  )?.[1];
  return [...Object.values(keys.host ?? {}), ...Object.values(own ?? {})].includes(key);
}

/** The key a request brings: header `x-functions-key`, else the query's `code`. */
export function requestKey(header: string | string[] | undefined, query: URLSearchParams): string | undefined {
  const fromHeader = Array.isArray(header) ? header.join(",") : header;
  return fromHeader || query.get("code") || undefined;
}
