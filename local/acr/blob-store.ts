import { BlobSASPermissions, BlobServiceClient, type ContainerClient } from "@azure/storage-blob";

const sasLifetimeMs = 60 * 60 * 1000;

/** The storage accounts behind a registry's Tasks: one container for uploaded sources, one for run logs. */
export interface BlobStore {
  readonly sources: ContainerClient;
  readonly logs: ContainerClient;
}

/** Container names allow 63 characters; registry names have at most 50. */
export async function openBlobStore(connectionString: string, registryName: string): Promise<BlobStore> {
  const service = BlobServiceClient.fromConnectionString(connectionString);
  const name = registryName.toLowerCase();
  const sources = service.getContainerClient(`acr-${name}-source`);
  const logs = service.getContainerClient(`acr-${name}-logs`);
  await Promise.all([sources.createIfNotExists(), logs.createIfNotExists()]);
  return { sources, logs };
}

/** `http://127.0.0.1:PORT/ACCOUNT`. */
export function blobUrlOf(connectionString: string): string {
  return BlobServiceClient.fromConnectionString(connectionString).url;
}

/** A real SAS URL; `permissions` in storage's letters. One hour: how long Azure's live has not been seen. */
export function sasUrl(container: ContainerClient, blob: string, permissions: "r" | "cw"): Promise<string> {
  const [read, create, write] = [permissions === "r", permissions === "cw", permissions === "cw"];
  return container.getBlobClient(blob).generateSasUrl({
    permissions: BlobSASPermissions.from({ read, create, write }),
    // Azure dates its links back a little, so that clocks may differ.
    startsOn: new Date(Date.now() - 5 * 60 * 1000),
    expiresOn: new Date(Date.now() + sasLifetimeMs),
  });
}
