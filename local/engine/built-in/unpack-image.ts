import { chmod, mkdir } from "node:fs/promises";
import { applyEntries } from "./apply-layer.ts";
import type { Image } from "./image.ts";
import { readLayer } from "./read-layer.ts";

/** Makes the image's file system in a new folder. */
export async function unpackImage(
  image: Image,
  root: string,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(root, { recursive: true });
  await chmod(root, 0o755);
  for (const layer of image.layers) {
    signal.throwIfAborted();
    await applyEntries(root, readLayer(layer, signal), { whiteouts: true, log });
  }
}
