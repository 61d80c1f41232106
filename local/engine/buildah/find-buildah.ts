import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { usualLimits } from "../built-in/limits.ts";
import { makePrivate } from "../built-in/sandbox.ts";
import { EngineError } from "../engine.ts";
import { removeTree } from "../remove-tree.ts";
import { Buildah, type StorageDriver } from "./buildah.ts";

export interface FoundBuildah {
  readonly driver: StorageDriver;
  /** `1.28.2`. */
  readonly version: string;
}

const found = new Map<string, ReturnType<typeof probe>>();

/**
 * Can buildah build and run here, in this folder's file system? Tried once in a process: an image with a file of
 * another owner and a command that does not exist, so that everything before its start must have gone well.
 */
export function findBuildah(scratchDir: string): Promise<FoundBuildah | { readonly impossible: string }> {
  const known = found.get(scratchDir) ?? probe(scratchDir);
  found.set(scratchDir, known);
  return known;
}

async function probe(scratchDir: string): Promise<FoundBuildah | { readonly impossible: string }> {
  if (process.platform !== "linux") return { impossible: `this is ${process.platform}, not Linux` };
  if (!Buildah.isInstalled()) return { impossible: "it is not installed" };
  if (process.getuid?.() !== 0) return { impossible: "it is used as root only" };
  const reasons: string[] = [];
  for (const driver of ["overlay", "vfs"] as const) {
    let folder: string | undefined;
    try {
      await makePrivate(scratchDir);
      folder = await mkdtemp(join(scratchDir, "buildah-probe-"));
      return { driver, version: await tryOut(folder, driver) };
    } catch (error) {
      reasons.push(`${driver}: ${(error as Error).message}`);
    } finally {
      if (folder !== undefined) await removeTree(folder);
    }
  }
  return { impossible: reasons.join("; ") };
}

/** Returns the version. */
async function tryOut(folder: string, driver: StorageDriver): Promise<string> {
  const buildah = await Buildah.in(folder, driver, "127.0.0.1:1");
  const context = join(folder, "context");
  await mkdir(context);
  await writeFile(join(context, "Dockerfile"), 'FROM scratch\nCOPY --chown=1:1 Dockerfile /f\nRUN ["/nothing"]\n');
  const args = ["bud", "--isolation", "chroot", "--signature-policy", buildah.file("policy.json"), context];
  let output = "";
  const log = (text: string) => {
    output += text;
  };
  const isolation = { network: "none", limits: usualLimits } as const;
  await buildah.execute(args, isolation, { stdout: log, stderr: log }, AbortSignal.timeout(20_000));
  if (!/\/nothing: no such file or directory/.test(output)) throw new EngineError(output.trim().slice(-500));
  return /(\d+\.\d+\S*)/.exec(await buildah.ask(["--version"]))?.[1] ?? "of unknown version";
}
