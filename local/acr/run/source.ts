import type { Readable } from "node:stream";
import type { ContainerClient } from "@azure/storage-blob";
import { extractTarGz } from "./extract-tar.ts";

/** The source could not be fetched or unpacked; ACR fails the run with this sentence whatever the cause. */
export class SourceError extends Error {
  override readonly name = "SourceError";

  constructor(cause: unknown) {
    const advice = "Please check if the URL is incorrect. If it has credentials, please check if they are expired";
    super(`failed to download context. ${advice}`, { cause });
  }
}

/** Fetches what a client put behind an upload URL. Git, remote tar and `oci://` locations are not emulated. */
export async function fetchSource(
  sources: ContainerClient,
  location: string,
  dir: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    const blob = await sources.getBlobClient(location).download(0, undefined, { abortSignal: signal });
    await extractTarGz(blob.readableStreamBody as Readable, dir);
  } catch (error) {
    throw new SourceError(error);
  }
}
