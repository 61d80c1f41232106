import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Header, type Pack, pack } from "tar-stream";
import { hostPlatform } from "../engine/built-in/build-arguments.ts";
import { loadImage } from "../engine/built-in/load-image.ts";
import { readLayer, type TarEntry } from "../engine/built-in/read-layer.ts";
import { parseImageReference } from "../engine/image-reference.ts";
import { type ReadImage, readImage } from "../engine/read-image.ts";
import type { RegistryStore } from "../registry/registry-store.ts";

/** The image's file system as one tar without whiteouts, like `docker export`; undefined when there is no such image. */
export async function rootArchive(store: RegistryStore, reference: string): Promise<Readable | undefined> {
  const { repository, tag, digest } = parseImageReference(reference);
  const [whole, image] = await Promise.all([
    readImage(store, reference),
    loadImage(store, repository, digest ?? tag!, hostPlatform),
  ]);
  if (!whole || !image) return undefined;
  const archive = pack();
  const fill = async () => {
    for (const [index, layer] of image.layers.entries()) {
      for await (const entry of readLayer(layer)) {
        if (entry.path !== "" && whole.files.get(entry.path)?.layer === index) await add(archive, entry, whole);
      }
    }
    archive.finalize();
  };
  fill().catch((error: Error) => archive.destroy(error));
  return Readable.from(archive);
}

async function add(archive: Pack, { header, path, content }: TarEntry, whole: ReadImage): Promise<void> {
  const { type, mode, mtime, uid, gid, size, linkname } = header;
  const plain = { name: path, type, mode, mtime, uid, gid, size, linkname } as Header;
  const file = whole.files.get(path)!;
  if (type === "link" && whole.files.get(file.target)?.layer !== file.layer) {
    // What it was another name of has been replaced by a later layer, so it gets what it can still be read as.
    const bytes = (await whole.read(path)) ?? Buffer.alloc(0);
    await pipeline(Readable.from([bytes]), sink(archive, { ...plain, type: "file", size: bytes.length }));
  } else if (type === "file") await pipeline(Readable.from(content), sink(archive, plain));
  else archive.entry({ ...plain, size: 0 }, Buffer.alloc(0));
}

function sink(archive: Pack, header: Header): Writable {
  return archive.entry(header) as unknown as Writable;
}
