import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { BlobServiceClient } from "@azure/storage-blob";
import { TransientError } from "../errors.ts";
import type { LogStore } from "../ports.ts";

const container = "logs";

export interface KeptLogs extends LogStore {
  /** Bytes from an offset; fewer at the end. */
  read(name: string, offset: number, maxBytes: number): Promise<Uint8Array>;
}

/** Logs as block blobs, one a run's attempt; a lifecycle rule of the storage account deletes them when they are old. */
export function createLogStore(service: BlobServiceClient): KeptLogs {
  const blobs = service.getContainerClient(container);
  return {
    async save(name, text) {
      let bytes = 0;
      const counted = async function* () {
        for await (const chunk of text) {
          bytes += chunk.byteLength;
          yield chunk;
        }
      };
      try {
        await blobs
          .getBlockBlobClient(name)
          .uploadStream(Readable.from(counted(), { objectMode: false }), 1024 * 1024, 2, {
            blobHTTPHeaders: { blobContentType: "text/plain; charset=utf-8" },
          });
      } catch (error) {
        throw storageFault("keep the log", error);
      }
      return bytes;
    },
    async read(name, offset, maxBytes) {
      try {
        // Not downloadToBuffer: that takes a range beyond the end for a download that broke off.
        const { readableStreamBody } = await blobs.getBlobClient(name).download(offset, maxBytes);
        return readableStreamBody ? await buffer(readableStreamBody) : new Uint8Array();
      } catch (error) {
        throw storageFault("read the log", error);
      }
    },
  };
}

/** Faults of the log's own source keep their kind; what is left is storage's. */
function storageFault(act: string, error: unknown): Error {
  if (error instanceof Error && ["TransientError", "PermanentError"].includes(error.name)) return error;
  const { statusCode } = error as { statusCode?: number };
  return new TransientError(`${act}: blob storage answered ${statusCode ?? "nothing"}`);
}
