import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type LocalRegistry, type RegistryOptions, startRegistry } from "../../../local/registry/registry.ts";

export const ociManifest = "application/vnd.oci.image.manifest.v1+json";
export const ociIndex = "application/vnd.oci.image.index.v1+json";

/** A folder that is gone when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "slipway-test-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A registry that is closed when the test ends. */
export async function temporaryRegistry(options: Partial<RegistryOptions> = {}): Promise<LocalRegistry> {
  const registry = await startRegistry({ dir: options.dir ?? (await temporaryDirectory()), ...options });
  onTestFinished(() => registry.close());
  return registry;
}

export function sha256(content: string | Buffer): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

export async function uploadBlob(base: string, repository: string, content: string): Promise<string> {
  const digest = sha256(content);
  const response = await fetch(`${base}/v2/${repository}/blobs/uploads/?digest=${digest}`, {
    method: "POST",
    body: content,
  });
  if (response.status !== 201) throw new Error(`upload: ${response.status} ${await response.text()}`);
  return digest;
}

/** Config, one layer, manifest; returns the manifest's text and digest. */
export async function pushImage(base: string, repository: string, reference: string, content = "layer") {
  const config = await uploadBlob(base, repository, "{}");
  const layer = await uploadBlob(base, repository, content);
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: ociManifest,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config, size: 2 },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: layer, size: content.length }],
  });
  const response = await putManifest(base, repository, reference, text);
  if (response.status !== 201) throw new Error(`manifest: ${response.status} ${await response.text()}`);
  return { text, digest: sha256(text), layer, config };
}

export function putManifest(base: string, repository: string, reference: string, text: string, type = ociManifest) {
  return fetch(`${base}/v2/${repository}/manifests/${reference}`, {
    method: "PUT",
    headers: { "Content-Type": type },
    body: text,
  });
}

export async function errorCode(response: Response): Promise<string> {
  const body = (await response.json()) as { errors: { code: string }[] };
  return body.errors[0]!.code;
}
