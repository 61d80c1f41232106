import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ociIndex, pushImage, putManifest, sha256 } from "./support.ts";

const run = promisify(execFile);

/** Is a command there, and does it answer? */
export function answers(command: string, ...args: string[]): Promise<boolean> {
  return run(command, args).then(
    () => true,
    () => false,
  );
}

/** Runs to its end and returns what was printed; throws with what it complained of. */
export async function output(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  return (await run(command, args, { env: { ...process.env, ...env } })).stdout.trim();
}

/** Two images for two platforms, untagged, and an index of them under a tag. */
export async function pushMultiArch(base: string, repository: string, tag: string) {
  const children = [];
  for (const architecture of ["amd64", "arm64"]) {
    const { digest, text } = await pushImage(base, repository, `${tag}-${architecture}`, `layer of ${architecture}`);
    await fetch(`${base}/v2/${repository}/manifests/${tag}-${architecture}`, { method: "DELETE" });
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    children.push({ mediaType, digest, size: text.length, platform: { os: "linux", architecture } });
  }
  const text = JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests: children });
  const response = await putManifest(base, repository, tag, text, ociIndex);
  if (response.status !== 201) throw new Error(`index: ${response.status} ${await response.text()}`);
  return { digest: sha256(text), children: children.map(({ digest }) => digest) };
}
