import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Mount } from "../../engine/engine.ts";
import type { VolumeMount } from "../task/task.ts";
import { makeFolder } from "./make-folder.ts";
import { Workspace } from "./workspace.ts";

/** Where containers have the home they share, as ACR sets it. */
export const containerHome = "/acb/home";

/** What a run has on disk: the volumes of ACR's machine as folders of this one. */
export class RunFolder {
  readonly dir: string;
  readonly workspace: Workspace;

  private constructor(dir: string, workspace: Workspace) {
    this.dir = dir;
    this.workspace = workspace;
  }

  static async at(dir: string): Promise<RunFolder> {
    for (const name of ["workspace", "home", "volumes", "fetched", "copies"]) await makeFolder(join(dir, name));
    return new RunFolder(dir, await Workspace.at(join(dir, "workspace")));
  }

  volume(name: string): string {
    return join(this.dir, "volumes", name);
  }

  /** A new place, outside of what steps can see, for a source while it arrives. */
  fetching(name: string): string {
    return join(this.dir, "fetched", name);
  }

  mounts(volumes: readonly VolumeMount[]): Mount[] {
    return [
      { hostPath: this.workspace.dir, containerPath: "/workspace" },
      { hostPath: join(this.dir, "home"), containerPath: containerHome },
      ...volumes.map(({ volume, path }) => ({ hostPath: this.volume(volume), containerPath: path })),
    ];
  }

  /** A copy of a file as a container sees it, where no container can change it; undefined for what it has of its own. */
  async copyOf(containerPath: string, volumes: readonly VolumeMount[]): Promise<string | undefined> {
    const around = this.mounts(volumes)
      .filter((mount) => `${containerPath}/`.startsWith(`${mount.containerPath.replace(/\/+$/, "")}/`))
      .sort((a, b) => b.containerPath.length - a.containerPath.length)[0];
    if (!around) return undefined;
    const folder = await Workspace.at(around.hostPath);
    const found = await folder.find(containerPath.slice(around.containerPath.length));
    if (found === undefined) return undefined;
    const copy = join(this.dir, "copies", randomUUID());
    await folder.copy(found, copy);
    return copy;
  }
}
