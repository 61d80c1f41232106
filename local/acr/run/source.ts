import { rename } from "node:fs/promises";
import { Readable } from "node:stream";
import type { ContainerClient } from "@azure/storage-blob";
import type { Clock } from "../../clock.ts";
import { removeTree } from "../../engine/remove-tree.ts";
import { clone, type GitHead } from "./clone.ts";
import { extractTar } from "./extract-tar.ts";
import type { RunLimits } from "./limits.ts";
import { makeFolder } from "./make-folder.ts";
import type { RunFolder } from "./run-folder.ts";
import { SourceError } from "./source-error.ts";
import type { SourceLocation } from "./source-location.ts";

interface SourceSurroundings {
  /** Where uploads lie. */
  readonly sources: ContainerClient;
  readonly folder: RunFolder;
  readonly clock: Clock;
  readonly limits: RunLimits;
}

/** What came with the files; undefined when they are no Git repository's. */
export type FetchSource = (location: SourceLocation, dir: string, signal: AbortSignal) => Promise<GitHead | undefined>;

const attempts = 3;

/**
 * Puts a source where `dir` is, in place of what is there. It arrives elsewhere first: a step that ran before could have left a
 * link or a Git configuration in `dir`, and neither may be followed.
 */
export function sourceFetcher(on: SourceSurroundings): FetchSource {
  let fetched = 0;
  return async (location, dir, signal) => {
    fetched += 1;
    const arriving = on.folder.fetching(String(fetched));
    try {
      const head = await fetchInto(location, arriving, on, signal);
      await removeTree(dir);
      await rename(arriving, dir);
      return head;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SourceError) throw error;
      throw new SourceError(error instanceof Error ? error.message : String(error), { cause: error });
    }
  };
}

async function fetchInto(
  location: SourceLocation,
  dir: string,
  on: SourceSurroundings,
  signal: AbortSignal,
): Promise<GitHead | undefined> {
  switch (location.kind) {
    case "git":
      return await clone(location, dir, signal);
    case "unsupported":
      throw new SourceError(`${location.why} by the local twin`);
    case "none":
      await makeFolder(dir);
      return undefined;
    case "path": {
      const blob = await on.sources.getBlobClient(location.path).download(0, undefined, { abortSignal: signal });
      await unpack(blob.readableStreamBody as Readable, dir, on);
      return undefined;
    }
    case "archive":
      await download(location.url, dir, on, signal);
      return undefined;
  }
}

async function unpack(archive: Readable, dir: string, { limits }: SourceSurroundings): Promise<void> {
  await makeFolder(dir);
  await extractTar(archive, dir, { bytes: limits.diskBytes, entries: limits.archiveEntries });
}

/** Three attempts, unless the server says that the URL is wrong. */
async function download(url: string, dir: string, on: SourceSurroundings, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await fetch(url, { signal });
      if (!response.ok || !response.body) throw new StatusError(url, response);
      await removeTree(dir);
      return await unpack(Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]), dir, on);
    } catch (error) {
      signal.throwIfAborted();
      if (attempt === attempts || (error instanceof StatusError && error.isFinal)) throw error;
      await on.clock.sleep(0.25 * 2 ** (attempt - 1), signal);
    }
  }
}

class StatusError extends SourceError {
  readonly isFinal: boolean;

  constructor(url: string, { status, statusText }: Response) {
    // A query may be a SAS, which is as good as a password.
    super(`failed to GET ${url.replace(/\?.*/, "?<REDACTED>")} with status ${status} ${statusText}`);
    this.isFinal = status < 500;
  }
}
