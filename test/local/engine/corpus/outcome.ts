import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ContainerConfig } from "../../../../local/engine/built-in/image.ts";
import type { ImageFile, ReadImage } from "../../../../local/engine/read-image.ts";
import type { Context } from "./case.ts";

export async function writeContext(dir: string, context: Context, dockerfile: string, text: string): Promise<void> {
  const folders: [path: string, mode: number][] = [];
  for (const [name, entry] of Object.entries({ [dockerfile]: text, ...context })) {
    const path = join(dir, name);
    await mkdir(dirname(path), { recursive: true });
    if (typeof entry === "string" || Buffer.isBuffer(entry)) await writeFile(path, entry, { mode: 0o644 });
    else if ("link" in entry) await symlink(entry.link, path);
    else if ("folder" in entry) {
      await mkdir(path, { recursive: true });
      folders.push([path, entry.mode ?? 0o755]);
    } else {
      await writeFile(path, entry.text);
      await chmod(path, entry.mode);
    }
  }
  for (const [path, mode] of folders) await chmod(path, mode);
}

/**
 * Places an engine makes for what it mounts in a container, and may leave in the image. Nobody sees what is in them.
 */
const mountPlaces = /^(dev|proc|sys|run|run\/secrets|etc\/(hosts|hostname|resolv\.conf|mtab))$/;

/** All that differs between two images, as `Outcome.files` writes it. */
export async function changes(image: ReadImage, base: ReadImage | undefined): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [path, file] of image.files) {
    if (path === "" || mountPlaces.test(path)) continue;
    const old = base?.files.get(path);
    if (base && old && old.layer === file.layer) continue;
    const text = await describeFile(image, path, file);
    if (base && old && (await describeFile(base, path, old)) === text) continue;
    found[path] = text;
  }
  for (const path of base?.files.keys() ?? []) {
    if (!image.files.has(path) && !mountPlaces.test(path)) found[path] = "gone";
  }
  return found;
}

async function describeFile(image: ReadImage, path: string, found: ImageFile): Promise<string> {
  const file = found.type === "link" ? (image.files.get(found.target) ?? found) : found;
  const owner = `${file.uid}:${file.gid}`;
  if (file.type === "symlink") return `${owner} -> ${file.target}`;
  const mode = file.mode.toString(8);
  if (file.type === "directory") return `${mode} ${owner} /`;
  return `${mode} ${owner} ${await image.read(path)}`;
}

/** What a configuration says, without PATH, empty values and the labels that only tell where an image comes from. */
export function said(config: ContainerConfig, mute: readonly string[]): Record<string, unknown> {
  const { Env, Labels, ExposedPorts, Volumes, WorkingDir } = config;
  const labels = Object.entries(Labels ?? {}).filter(([name]) => !mute.includes(name));
  const all: Record<string, unknown> = {
    Cmd: config.Cmd,
    Entrypoint: config.Entrypoint,
    Env: Env?.filter((entry) => !entry.startsWith("PATH=")),
    ExposedPorts: Object.keys(ExposedPorts ?? {}).sort(),
    Healthcheck: config.Healthcheck,
    Labels: Object.fromEntries(labels),
    OnBuild: config.OnBuild,
    Shell: config.Shell,
    StopSignal: config.StopSignal,
    User: config.User,
    Volumes: Object.keys(Volumes ?? {}).sort(),
    WorkingDir: WorkingDir === "/" ? "" : WorkingDir,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
