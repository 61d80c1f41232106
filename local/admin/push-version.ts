import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostPlatform } from "../engine/built-in/build-arguments.ts";
import type { Image } from "../engine/built-in/image.ts";
import type { LayerEntry } from "../engine/built-in/layer-entry.ts";
import { loadImage } from "../engine/built-in/load-image.ts";
import { pushImage } from "../engine/built-in/push-image.ts";
import { diffSnapshots, takeSnapshot } from "../engine/built-in/rootfs-diff.ts";
import { writeLayer } from "../engine/built-in/write-layer.ts";
import { parseImageReference } from "../engine/image-reference.ts";
import { pushShellBase, shellBase } from "../engine/shell-base.ts";
import { BlobFiles } from "../registry/blob-files.ts";
import type { RegistryStore } from "../registry/registry-store.ts";

/** By this a version made here is known, and its top layer replaced by the next one's. */
const createdBy = "npm run twin -- push";

/** Where a version's text is, in the image. */
const versionFile = "etc/image-version";

/**
 * Pushes a new version of an image without any engine: what it was, or the shell base where there was none, with one
 * layer on top: the folder `from`, or the file /etc/image-version with `text`. Returns its digest.
 */
export async function pushVersion(
  { store }: { readonly store: RegistryStore },
  wish: { readonly reference: string; readonly from?: string; readonly text: string; readonly now: Date },
): Promise<string> {
  const { repository, tag, digest } = parseImageReference(wish.reference);
  if (tag === undefined || digest !== undefined) throw new Error(`${wish.reference}: a tag is pushed, not a digest`);
  // What is wrong with the wish must come out before the registry is touched.
  const entries = await entriesOf(wish);
  const scratchDir = await mkdtemp(join(tmpdir(), "slipway-push-"));
  try {
    const layer = await writeLayer(new BlobFiles(scratchDir), entries, wish.now);
    const base = withoutOurLayer((await loadImage(store, repository, tag, hostPlatform)) ?? (await shellImage(store)));
    const created = wish.now.toISOString();
    const { config } = base;
    const image: Image = {
      config: {
        ...config,
        created,
        rootfs: { type: "layers", diff_ids: [...config.rootfs.diff_ids, layer.diffId] },
        history: [...config.history, { created, created_by: createdBy }],
      },
      layers: [...base.layers, layer],
    };
    return await pushImage(store, repository, tag, image, () => {});
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
  }
}

async function shellImage(store: RegistryStore): Promise<Image> {
  await pushShellBase(store);
  const image = await loadImage(store, shellBase.repository, shellBase.tag, hostPlatform);
  return image!;
}

function withoutOurLayer(image: Image): Image {
  const { config, layers } = image;
  if (config.history.at(-1)?.created_by !== createdBy) return image;
  const rootfs = { ...config.rootfs, diff_ids: config.rootfs.diff_ids.slice(0, -1) };
  return { config: { ...config, rootfs, history: config.history.slice(0, -1) }, layers: layers.slice(0, -1) };
}

/** As COPY would have it, everything belongs to root. */
async function entriesOf({ from, text }: { readonly from?: string; readonly text: string }): Promise<LayerEntry[]> {
  if (from === undefined) {
    const content = Buffer.from(`${text}\n`);
    return [{ type: "file", path: versionFile, content, mode: 0o644, uid: 0, gid: 0 }];
  }
  const found = await stat(from).catch(() => undefined);
  if (!found?.isDirectory()) throw new Error(`--from ${from}: ${found ? "not a folder" : "no such folder"}`);
  const entries = await diffSnapshots(from, new Map(), await takeSnapshot(from));
  return entries.map((entry) => ("uid" in entry ? { ...entry, uid: 0, gid: 0 } : entry));
}
