import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import { git } from "./git.ts";
import { makeFolder } from "./make-folder.ts";
import { SourceError } from "./source-error.ts";
import type { SourceLocation } from "./source-location.ts";
import { Workspace } from "./workspace.ts";

/** What a checkout shows of itself. */
export interface GitHead {
  readonly commit: string;
  /** `HEAD` unless a branch is checked out. */
  readonly branch: string;
}

/**
 * Brings a repository into `dir`, which must not exist, in the engine's order: one commit deep, everything if the server will not
 * do that, then the checkout, then submodules.
 */
export async function clone(
  { remote, ref, folder }: SourceLocation & { kind: "git" },
  dir: string,
  signal: AbortSignal,
): Promise<GitHead> {
  await makeFolder(dir);
  const run = async (what: string, ...args: string[]) => {
    const { ok, output } = await git(dir, args, signal);
    if (!ok) throw new SourceError(`${what}: ${output}`);
    return output;
  };
  await run("failed to init repo", "init", "--quiet", ".");
  await run("failed add origin repo", "remote", "add", "origin", remote);
  const shallow = await git(dir, ["fetch", "--depth", "1", "origin", ref || "HEAD"], signal);
  if (!shallow.ok) await run("error fetching", "fetch", "origin");

  const isPull = /^(?:refs\/)?pull\/.*\/(?:head|merge)$/.test(ref);
  const named = ref !== "" && !isPull && (await git(dir, ["checkout", "--quiet", ref, "--"], signal)).ok;
  if (!named) {
    if (ref !== "" && !shallow.ok) throw new SourceError(`error checking out ${ref}: ${shallow.output}`);
    // A tag fetched alone has no name here, so what came with it is checked out.
    await run(`error checking out ${ref}`, "checkout", "--quiet", "FETCH_HEAD", "--");
  }
  if (await exists(join(dir, ".gitmodules"))) {
    const args = ["submodule", "update", "--init", "--recursive", "--depth=1"];
    await run("error initializing submodules", ...args);
  }
  await requireFolder(dir, folder);
  return {
    commit: await run("no commit", "rev-parse", "--verify", "HEAD"),
    branch: await run("no branch", "rev-parse", "--abbrev-ref", "HEAD"),
  };
}

async function requireFolder(dir: string, folder: string): Promise<void> {
  const found = await (await Workspace.at(dir)).find(folder);
  if (found === undefined) throw new SourceError(`error setting git context, "${folder}" not within git root`);
  if (!(await stat(found)).isDirectory()) {
    throw new SourceError(`error setting git context, not a directory: ${folder}`);
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
