import { posix } from "node:path";
import { PermanentError } from "../errors.ts";

/** A folder written in slipway.yaml as tar paths have it: no leading "./", no trailing "/", "" for the root. Throws PermanentError("unsafe-path") when it leaves the repository. */
export function normaliseFolder(folder: string): string {
  const normal = posix.normalize(folder === "" ? "." : folder).replace(/\/+$/, "");
  if (normal === ".") return "";
  if (climbs(normal)) throw new PermanentError("unsafe-path", `the context ${folder} is outside the repository`);
  return normal;
}

/**
 * Where an archive entry goes below the context; undefined when it is not in it ("" is the context folder itself).
 * GitHub puts everything under one folder `owner-repo-sha/`, which is dropped. Throws PermanentError("unsafe-path") for a name that climbs.
 */
export function pathInContext(name: string, contextFolder: string): string | undefined {
  if (name.startsWith("/") || name.includes("\0") || name.split("/").includes(".."))
    throw new PermanentError("unsafe-path", `the archive holds an unsafe path: ${JSON.stringify(name.slice(0, 200))}`);
  const path = posix.normalize(name).replace(/\/+$/, "").split("/").slice(1).join("/");
  if (contextFolder === "") return path;
  if (path === contextFolder) return "";
  return path.startsWith(`${contextFolder}/`) ? path.slice(contextFolder.length + 1) : undefined;
}

/** Git metadata never belongs in a context; `.GIT` is the same folder on some builders' disks. */
export function isGitMetadata(path: string): boolean {
  return path.split("/").some((part) => part.toLowerCase() === ".git");
}

/** Whether a symlink at `path` points out of the context, by its text alone. Absolute targets do: on the builder they mean another machine's files. */
export function linkLeaves(path: string, target: string): boolean {
  return target === "" || climbs(posix.normalize(posix.join(posix.dirname(path), target))) || target.startsWith("/");
}

function climbs(normal: string): boolean {
  return normal === ".." || normal.startsWith("../") || normal.startsWith("/");
}
