import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Limits } from "./limits.ts";

/** Where processes are counted, below a folder that holds ours. */
interface Controller {
  /** Of the hierarchy in /proc/self/cgroup; empty for version 2. */
  readonly hierarchy: string;
  readonly mountedAt: string;
  readonly files: readonly (readonly [name: string, limit: "memory" | "processes"])[];
}

/** The controllers of either version, https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/ */
const versions: readonly (readonly Controller[])[] = [
  [
    {
      hierarchy: "",
      mountedAt: "/sys/fs/cgroup",
      files: [
        ["memory.max", "memory"],
        ["pids.max", "processes"],
      ],
    },
  ],
  [
    {
      hierarchy: "memory",
      mountedAt: "/sys/fs/cgroup/memory",
      files: [["memory.limit_in_bytes", "memory"]],
    },
    { hierarchy: "pids", mountedAt: "/sys/fs/cgroup/pids", files: [["pids.max", "processes"]] },
  ],
];

let made = 0;

/** A control group of one step, as deep in the tree as our own process is, so that limits above hold for it too. */
export class ControlGroup {
  readonly #folders: readonly string[];

  private constructor(folders: readonly string[]) {
    this.#folders = folders;
  }

  /** Undefined where this machine or our rights do not allow one. */
  static async make(limits: Limits): Promise<ControlGroup | undefined> {
    const own = await readFile("/proc/self/cgroup", "utf8").catch(() => "");
    const number = ++made;
    for (const controllers of versions) {
      const folders: string[] = [];
      try {
        for (const controller of controllers) {
          const parent = await parentFor(controller, own);
          await removeOrphans(parent);
          const folder = join(parent, `slipway-${process.pid}-${number}`);
          await mkdir(folder);
          folders.push(folder);
          for (const [name, limit] of controller.files) await writeFile(join(folder, name), String(limits[limit]));
        }
        return new ControlGroup(folders);
      } catch {
        for (const folder of folders) await rmdir(folder).catch(() => undefined);
      }
    }
    return undefined;
  }

  /** A process that writes 0 into each of these is in the group, with all it starts. */
  get entrances(): string[] {
    return this.#folders.map((folder) => join(folder, "cgroup.procs"));
  }

  /** Has the kernel ended a process of the group to free memory? */
  async ranOutOfMemory(): Promise<boolean> {
    const files = this.#folders.flatMap((folder) =>
      ["memory.events", "memory.oom_control"].map((n) => join(folder, n)),
    );
    const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
    return texts.some((text) => /^oom_kill [1-9]/m.test(text));
  }

  /** Once nothing runs in it; the kernel may need a moment to see that. */
  async remove(): Promise<void> {
    for (const folder of this.#folders) {
      for (let attempt = 0; attempt < 40; attempt++) {
        const gone = await rmdir(folder).then(
          () => true,
          (error: NodeJS.ErrnoException) => error.code === "ENOENT",
        );
        if (gone) break;
        await sleep(25);
      }
    }
  }
}

/** Version 1: our own group. Version 2 lets no group hold both processes and limited groups: the next one above that may. */
async function parentFor({ hierarchy, mountedAt }: Controller, own: string): Promise<string> {
  const line = own.split("\n").find((text) => text.split(":")[1]?.split(",").includes(hierarchy));
  if (line === undefined) throw new Error("no such hierarchy");
  const path = line.split(":").slice(2).join(":");
  if (hierarchy !== "") return join(mountedAt, path);
  for (let folder = join(mountedAt, path); folder.startsWith(mountedAt); folder = dirname(folder)) {
    const enabled = (await readFile(join(folder, "cgroup.subtree_control"), "utf8")).trim().split(" ");
    if (enabled.includes("memory") && enabled.includes("pids")) return folder;
  }
  throw new Error("no group above has the controllers");
}

/** Empty groups of processes like ours that were killed. One that still holds something cannot be removed. */
async function removeOrphans(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const id = /^slipway-(\d+)-\d+$/.exec(name)?.[1];
    if (id === undefined || Number(id) === process.pid || isAlive(Number(id))) continue;
    await rmdir(join(parent, name)).catch(() => undefined);
  }
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
