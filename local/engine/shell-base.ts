import { execFile } from "node:child_process";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { promisify } from "node:util";
import { BlobFiles } from "../registry/blob-files.ts";
import type { RegistryStore } from "../registry/registry-store.ts";
import { defaultPath, hostArchitecture, type Image, type ImageConfig } from "./built-in/image.ts";
import type { LayerEntry } from "./built-in/layer-entry.ts";
import { pushImage } from "./built-in/push-image.ts";
import { writeLayer } from "./built-in/write-layer.ts";
import { EngineError } from "./engine.ts";

const run = promisify(execFile);

/** `sh` and what small Dockerfiles call; those the machine does not have are left out. */
const tools =
  "sh basename cat chmod chown cp cut date dirname echo env expr false find grep head id ln ls mkdir mktemp mv " +
  "printenv printf pwd readlink rm rmdir sed seq sha256sum sleep sort stat tail tee test touch tr true uname uniq wc whoami";

export const shellBase = { repository: "local/shell", tag: "1" } as const;

export async function hasShellBase(store: RegistryStore): Promise<boolean> {
  return (await store.resolve(shellBase.repository, shellBase.tag)) !== undefined;
}

/**
 * Makes `local/shell:1` from this machine's own shell and tools with the libraries they load, so that demos and tests
 * have a base image without a network. Whatever is behind the tag already stays there: a newer version that somebody
 * pushed must outlive the next start.
 */
export async function pushShellBase(store: RegistryStore): Promise<void> {
  if (await hasShellBase(store)) return;
  const scratchDir = await mkdtemp(join(tmpdir(), "slipway-shell-"));
  try {
    const time = new Date(0);
    const layer = await writeLayer(new BlobFiles(scratchDir), await shellEntries(), time);
    const image: Image = { config: configOf(layer.diffId, time), layers: [layer] };
    await pushImage(store, shellBase.repository, shellBase.tag, image, () => undefined);
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
  }
}

async function shellEntries(): Promise<LayerEntry[]> {
  const entries = new Map<string, LayerEntry>();
  const folder = (path: string, mode = 0o755): void => {
    if (path === "." || entries.has(path)) return;
    folder(posix.dirname(path));
    entries.set(path, { type: "directory", path, mode, uid: 0, gid: 0 });
  };
  const file = (path: string, content: Buffer, mode: number): void => {
    folder(posix.dirname(path));
    entries.set(path, { type: "file", path, content, mode, uid: 0, gid: 0 });
  };
  const found = await findTools();
  const firstByFile = new Map<string, string>();
  for (const [name, path] of found) {
    const same = firstByFile.get(path);
    folder("bin");
    if (same === undefined) file(`bin/${name}`, await readFile(path), 0o755);
    else
      entries.set(`bin/${name}`, { type: "symlink", path: `bin/${name}`, target: same, mode: 0o777, uid: 0, gid: 0 });
    firstByFile.set(path, same ?? name);
  }
  for (const path of await librariesOf([...new Set(found.values())])) {
    file(path.slice(1), await readFile(path), 0o755);
  }
  for (const path of ["etc", "root", "tmp", "usr"]) folder(path, path === "tmp" ? 0o1777 : 0o755);
  entries.set("usr/bin", { type: "symlink", path: "usr/bin", target: "../bin", mode: 0o777, uid: 0, gid: 0 });
  const users = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
  file("etc/passwd", Buffer.from(users), 0o644);
  file("etc/group", Buffer.from("root:x:0:\nnogroup:x:65534:\n"), 0o644);
  return [...entries.values()];
}

/** Names with the real files behind them, which several names may share (busybox, coreutils in one file). */
async function findTools(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of tools.split(" ")) {
    for (const folder of ["/bin", "/usr/bin"]) {
      const path = await realpath(`${folder}/${name}`).catch(() => undefined);
      if (path !== undefined && !found.has(name)) found.set(name, path);
    }
  }
  if (!found.has("sh")) throw new EngineError("this machine has no /bin/sh to make a base image of");
  return found;
}

/** What the loader would load, the loader itself included, under the paths it looks for. */
async function librariesOf(files: readonly string[]): Promise<string[]> {
  const { stdout } = await run("ldd", [...files]).catch((error: { stdout?: string }) => ({
    stdout: error.stdout ?? "",
  }));
  const paths = [...stdout.matchAll(/(?:=>\s*|^\s+)(\/\S+)\s+\(0x/gm)].map(([, path]) => path!);
  return [...new Set(paths)].sort();
}

function configOf(diffId: string, time: Date): ImageConfig {
  const created = time.toISOString();
  return {
    created,
    architecture: hostArchitecture,
    os: "linux",
    config: {
      Cmd: ["/bin/sh"],
      Env: [`PATH=${defaultPath}`],
      Labels: { "io.slipway.local.base": "this machine's shell, for demos and tests" },
    },
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{ created, created_by: "slipway: this machine's shell" }],
  };
}
