import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ContainerRegistryManagementClient, type Run } from "@azure/arm-containerregistry";
import type { AccessToken, TokenCredential } from "@azure/identity";
import { BlobClient, BlockBlobClient } from "@azure/storage-blob";
import { pack } from "tar-stream";
import { type Certificate, loadCertificate } from "../../local/acr/certificate.ts";
import { type AcrOptions, type LocalAcr, startAcr } from "../../local/acr/start-acr.ts";
import { type LocalIdentity, startIdentity } from "../../local/identity/start-identity.ts";
import { FakeEngine } from "./fake-engine.ts";

export const registryName = "acmeprod";
export const loginServer = "127.0.0.1:5000";

/** A registry with Tasks on a fake engine, and the real Azure SDK in front of it. */
export interface AcrWorld {
  readonly acr: LocalAcr;
  readonly engine: FakeEngine;
  readonly identity: LocalIdentity;
  readonly certificate: Certificate;
  readonly client: ContainerRegistryManagementClient;
  readonly dir: string;
  close(): Promise<void>;
}

export async function startAcrWorld(
  blobConnectionString: string,
  options: Partial<AcrOptions> = {},
): Promise<AcrWorld> {
  // Given a directory, the world goes on where an earlier one left it, and leaves it there.
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "acr-test-")));
  const certificate = await loadCertificate(join(dir, "tls"));
  const identity = await startIdentity({ dir: join(dir, "identity"), ...(options.clock && { clock: options.clock }) });
  const engine = new FakeEngine();
  const acr = await startAcr({
    tls: certificate,
    identity,
    registryName,
    loginServer,
    blobConnectionString,
    engine,
    ...options,
    dir: join(dir, "acr"),
  });
  return {
    acr,
    engine: (options.engine as FakeEngine | undefined) ?? engine,
    identity,
    certificate,
    client: clientFor(acr, certificate, tokensOf(identity)),
    dir,
    close: async () => {
      await acr.close();
      await identity.close();
      if (!options.dir) await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Retries are off: a test about faults counts requests. */
export function clientFor(acr: LocalAcr, certificate: Pick<Certificate, "cert">, credential: TokenCredential) {
  return new ContainerRegistryManagementClient(credential, acr.subscriptionId, {
    endpoint: acr.url,
    credentialScopes: "https://management.azure.com/.default",
    tlsOptions: { ca: certificate.cert },
    retryOptions: { maxRetries: 0 },
  });
}

/** A credential without the HTTP round trip; one test goes through the real ManagedIdentityCredential. */
export function tokensOf(identity: LocalIdentity): TokenCredential {
  return {
    getToken: async (): Promise<AccessToken> => ({
      token: identity.issue("https://management.azure.com"),
      expiresOnTimestamp: Date.now() + 3_600_000,
    }),
  };
}

export type Files = Readonly<Record<string, string>>;

/** Uploads files the way `az acr build` does and returns where ACR finds them. */
export async function uploadSource({ acr, client }: AcrWorld, files: Files): Promise<string> {
  const { uploadUrl, relativePath } = await client.registries.getBuildSourceUploadUrl(acr.resourceGroup, registryName);
  const archive = gzipSync(await tarOf(files));
  await new BlockBlobClient(uploadUrl!).upload(archive, archive.length);
  return relativePath!;
}

async function tarOf(files: Files): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function scheduleTask({ acr, client }: AcrWorld, yaml: string, sourceLocation?: string): Promise<Run> {
  return await client.registries.beginScheduleRunAndWait(acr.resourceGroup, registryName, {
    type: "EncodedTaskRunRequest",
    encodedTaskContent: Buffer.from(yaml).toString("base64"),
    platform: { os: "Linux", architecture: "amd64" },
    timeout: 3600,
    sourceLocation,
  });
}

export async function runEnded({ acr, client }: AcrWorld, runId: string): Promise<Run> {
  for (;;) {
    const run = await client.runs.get(acr.resourceGroup, registryName, runId);
    if (!["Queued", "Started", "Running"].includes(run.status!)) return run;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function readLog({ acr, client }: AcrWorld, runId: string): Promise<{ text: string; mark?: string }> {
  const { logLink } = await client.runs.getLogSasUrl(acr.resourceGroup, registryName, runId);
  const blob = new BlobClient(logLink!);
  const [content, properties] = [await blob.downloadToBuffer(), await blob.getProperties()];
  return { text: content.toString("utf8"), mark: properties.metadata?.complete };
}
