import type { Readable } from "node:stream";
import { BlockBlobClient, RestError } from "@azure/storage-blob";
import { PermanentError, TransientError } from "../errors.ts";
import { safeCause } from "../redact.ts";
import type { Secret } from "../secret.ts";

const blockBytes = 1024 * 1024;
const blocksAtOnce = 2;
const uploadTimeoutMs = 15 * 60_000;

/**
 * Puts a stream to ACR's upload URL as one block blob, holding about 3 MiB at a time. Blocks are committed only at the end, so a stream that fails leaves nothing.
 * The stream's own PermanentError or TransientError comes out as it is. The URL is a SAS and appears in no error.
 */
export async function uploadContext(stream: Readable, uploadUrl: Secret): Promise<void> {
  let streamError: unknown;
  stream.once("error", (error) => {
    streamError = error;
  });
  try {
    const blob = new BlockBlobClient(uploadUrl.expose(), undefined, {
      retryOptions: { maxTries: 3, retryDelayInMs: 500, maxRetryDelayInMs: 4000, tryTimeoutInMs: 60_000 },
    });
    await blob.uploadStream(stream, blockBytes, blocksAtOnce, {
      abortSignal: AbortSignal.timeout(uploadTimeoutMs),
      blobHTTPHeaders: { blobContentType: "application/gzip" },
    });
  } catch (error) {
    stream.destroy();
    if (streamError instanceof PermanentError || streamError instanceof TransientError) throw streamError;
    const status = error instanceof RestError ? error.statusCode : undefined;
    // A refused SAS has most likely expired; the next try asks for a new one.
    throw new TransientError(`upload the build context: storage answered ${status ?? "nothing"}`, {
      cause: safeCause(error),
    });
  }
}
