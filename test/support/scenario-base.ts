import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pushImage } from "../../local/engine/built-in/push-image.ts";
import { writeLayer } from "../../local/engine/built-in/write-layer.ts";
import { BlobFiles } from "../../local/registry/blob-files.ts";
import type { Scenario } from "./scenario.ts";

/** Twins of stories about base images: minutes on Azure, seconds here. */
export function quickBaseUpdates({ resourceId }: { readonly resourceId: string }): string {
  return `version: 1
registries:
  local:
    resource-id: ${resourceId}
    max-runs: 2
publish:
  - from: demo/*
    to: "platform/**"
base-updates:
  settle: 1s
  check-every: 1m
`;
}

/** Somebody who is not Slipway pushes an image of one file, `/os`; the registry tells of it as it tells of any push. */
export async function pushBase(scenario: Scenario, repository: string, tag: string, content: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "slipway-base-"));
  try {
    const entry = { type: "file", path: "os", content: Buffer.from(content), mode: 0o644, uid: 0, gid: 0 } as const;
    const layer = await writeLayer(new BlobFiles(dir), [entry], new Date(0));
    const config = {
      created: new Date(0).toISOString(),
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: [layer.diffId] },
      history: [{ created: new Date(0).toISOString(), created_by: "somebody" }],
    } as const;
    return await pushImage(
      scenario.twin.registry.store,
      repository,
      tag,
      {
        config: {
          ...config,
          rootfs: { ...config.rootfs, diff_ids: [...config.rootfs.diff_ids] },
          history: [...config.history],
        },
        layers: [layer],
      },
      () => undefined,
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
