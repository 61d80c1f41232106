import { createHash } from "node:crypto";
import { posix } from "node:path";
import { PassThrough, type Readable, Transform, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type Pack, pack } from "tar-stream";
import type { BlobFiles } from "../../registry/blob-files.ts";
import { mediaTypes } from "../../registry/media-types.ts";
import { EngineError } from "../engine.ts";
import { openToRead } from "./closed-to-owner.ts";
import type { Layer } from "./image.ts";
import type { LayerEntry } from "./layer-entry.ts";
import { usualLimits } from "./limits.ts";

interface WrittenLayer extends Layer {
  /** Digest of the uncompressed tar, which the image configuration lists. */
  readonly diffId: string;
}

/**
 * Writes entries as a gzipped tar layer. The same entries give the same bytes: sorted, one time for all, no names of
 * users or groups. Deletions become whiteouts, https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
 */
export async function writeLayer(blobs: BlobFiles, entries: readonly LayerEntry[], mtime: Date): Promise<WrittenLayer> {
  const size = entries.reduce((sum, entry) => sum + (entry.type === "file" ? sizeOf(entry) : 0), 0);
  // Holes in files count: a layer has none.
  if (size > usualLimits.disk) throw new EngineError(`a layer of ${size} bytes is more than a step may write`);
  // For everybody who reads the layer, such a name says that another file is gone.
  const marker = entries.find(({ type, path }) => type !== "whiteout" && posix.basename(path).startsWith(".wh."));
  if (marker) throw new EngineError(`/${marker.path}: no layer can hold a name that begins with .wh.`);
  const archive = pack();
  const diffId = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      diffId.update(chunk);
      done(null, chunk);
    },
  });
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const output = new PassThrough();
  const [stored] = await Promise.all([
    blobs.put(output),
    pipeline(archive as unknown as Readable, hashing, createGzip({ level: 1 }), output),
    addAll(archive, sorted, mtime),
  ]);
  return {
    ...stored,
    mediaType: mediaTypes.ociLayer,
    diffId: `sha256:${diffId.digest("hex")}`,
    open: async () => blobs.open(stored.digest),
  };
}

async function addAll(archive: Pack, entries: readonly LayerEntry[], mtime: Date): Promise<void> {
  try {
    for (const entry of entries) await add(archive, entry, mtime);
    archive.finalize();
  } catch (error) {
    archive.destroy(error as Error);
    throw error;
  }
}

async function add(archive: Pack, entry: LayerEntry, mtime: Date): Promise<void> {
  if (entry.type === "file" && !Buffer.isBuffer(entry.content)) {
    const { file, size } = entry.content;
    const source = await openToRead(file);
    const sink = archive.entry({ ...headerOf(entry, mtime), size });
    return pipeline(source.createReadStream(), sink as unknown as Writable);
  }
  const content = entry.type === "file" ? (entry.content as Buffer) : Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    archive.entry(headerOf(entry, mtime), content, (error) => (error ? reject(error) : resolve()));
  });
}

function sizeOf({ content }: LayerEntry & { type: "file" }): number {
  return Buffer.isBuffer(content) ? content.length : content.size;
}

function headerOf(entry: LayerEntry, mtime: Date): Parameters<Pack["entry"]>[0] {
  const name = entry.path;
  const common = { mtime, uname: "", gname: "" };
  switch (entry.type) {
    case "whiteout": {
      const marker = posix.join(posix.dirname(name), `.wh.${posix.basename(name)}`);
      return { ...common, name: marker, type: "file", mode: 0o644, uid: 0, gid: 0 };
    }
    case "link":
      return { ...common, name, type: "link", linkname: entry.target, mode: 0o644, uid: 0, gid: 0 };
    case "symlink":
      return { ...common, ...ownership(entry), name, type: "symlink", linkname: entry.target };
    case "directory":
      return { ...common, ...ownership(entry), name: `${name}/`, type: "directory" };
    case "file":
      return { ...common, ...ownership(entry), name, type: "file" };
  }
}

function ownership({ mode, uid, gid }: { mode: number; uid: number; gid: number }) {
  return { mode, uid, gid };
}
