import { chmod, lchown, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lstatIfAny, pathInRoot } from "../../context/path-in-root.ts";
import { EngineError } from "../../engine.ts";
import { removeTree } from "../../remove-tree.ts";
import { copyTree } from "../copy-tree.ts";
import type { SandboxMount } from "../mount-places.ts";
import type { InstructionCall } from "./instruction-call.ts";
import type { RunMount } from "./run-mount.ts";

/** The mounts of one RUN, made ready. What they need to be kept in is private, and gone after `release`. */
export class RunMounts {
  readonly mounts: SandboxMount[] = [];
  /** Secrets that are variables. */
  readonly env: Record<string, string> = {};
  readonly #call: InstructionCall;
  readonly #folder: string;
  #giveBackCaches: () => void = () => undefined;

  private constructor(call: InstructionCall, folder: string) {
    this.#call = call;
    this.#folder = folder;
  }

  static async make(call: InstructionCall, wanted: readonly RunMount[]): Promise<RunMounts> {
    const made = new RunMounts(call, await mkdtemp(join(call.scratchDir, "mounts-")));
    try {
      const ids = wanted.filter(({ type }) => type === "cache").map(({ id }) => id);
      made.#giveBackCaches = await call.caches.take(ids, call.signal);
      for (const [index, path] of Object.keys(call.stage.config.Volumes ?? {}).entries()) {
        await made.#addVolume(path, join(made.#folder, `volume-${index}`));
      }
      for (const [index, mount] of wanted.entries()) await made.#add(mount, join(made.#folder, String(index)));
      return made;
    } catch (error) {
      await made.release();
      throw error;
    }
  }

  /** Of a here-document that names its interpreter; returns where the command finds it. */
  async addScript(content: string): Promise<string> {
    const source = join(this.#folder, "script");
    await writeFile(source, content);
    await chmod(source, 0o755);
    const target = "/run/script";
    this.mounts.push({ target, source, readOnly: true });
    return target;
  }

  async release(): Promise<void> {
    this.#giveBackCaches();
    await removeTree(this.#folder);
  }

  /** `own` is a path for a file or folder of the mount's own. */
  async #add(mount: RunMount, own: string): Promise<void> {
    const target = this.#call.stage.absolute(mount.target);
    const { readOnly } = mount;
    switch (mount.type) {
      case "tmpfs":
        this.mounts.push({ target, source: { size: mount.size }, readOnly });
        break;
      case "cache": {
        const initial = mount.from === undefined ? undefined : await this.#source(mount);
        const source = await this.#call.caches.open({ id: mount.id, owner: mount, initial });
        this.mounts.push({ target, source, readOnly });
        break;
      }
      case "bind": {
        const source = await this.#source(mount);
        // Writes go to a copy that nobody sees again.
        if (!readOnly) await copyTree(source, own);
        this.mounts.push({ target, source: readOnly ? source : own, readOnly });
        break;
      }
      case "secret":
        await this.#addSecret(mount, target, own);
    }
  }

  /** What a RUN changes in a VOLUME is not kept: as in Docker's classic builder, it works on a copy. */
  async #addVolume(target: string, own: string): Promise<void> {
    const { root } = this.#call.stage;
    const path = join(root, await pathInRoot(root, target));
    if ((await lstatIfAny(path))?.isDirectory()) await copyTree(path, own);
    else await mkdir(own, { mode: 0o755 });
    this.mounts.push({ target, source: own, readOnly: false });
  }

  async #source({ from, source }: RunMount): Promise<string> {
    const { root, name } = from === undefined ? await this.#call.context() : await this.#call.copySource(from);
    const path = join(root, await pathInRoot(root, source));
    const stats = await lstatIfAny(path);
    if (stats?.isFile() || stats?.isDirectory()) return path;
    throw new EngineError(`${JSON.stringify(source)} is not in ${name}`);
  }

  async #addSecret({ id, target: written, env, required, mode, uid, gid }: RunMount, target: string, own: string) {
    const { secrets } = this.#call;
    if (!Object.hasOwn(secrets, id)) {
      if (required) throw new EngineError(`the secret ${JSON.stringify(id)} is required and was not given`);
      return;
    }
    const content = await readFile(secrets[id]!);
    if (env !== undefined) this.env[env] = content.toString("utf8");
    if (written === "") return;
    await writeFile(own, content, { mode: 0o600 });
    if (process.getuid?.() === 0) await lchown(own, uid, gid);
    await chmod(own, mode);
    this.mounts.push({ target, source: own, readOnly: true });
  }
}
