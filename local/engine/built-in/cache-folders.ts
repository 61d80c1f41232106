import { createHash } from "node:crypto";
import { chmod, lchown, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { lstatIfAny } from "../context/path-in-root.ts";
import { removeTree } from "../remove-tree.ts";
import { copyTree } from "./copy-tree.ts";

interface CacheRequest {
  readonly id: string;
  /** For a new cache. */
  readonly owner: { readonly mode: number; readonly uid: number; readonly gid: number };
  /** A folder that a new cache begins as a copy of. */
  readonly initial?: string;
}

/** What `RUN --mount=type=cache` keeps between builds, for one RUN at a time. */
export class CacheFolders {
  readonly #dir: string;
  /** The last user of each cache. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The folder of a cache, made when it is new. */
  async open({ id, owner, initial }: CacheRequest): Promise<string> {
    const folder = join(this.#dir, createHash("sha256").update(id).digest("hex"));
    if (await lstatIfAny(folder)) return folder;
    await mkdir(this.#dir, { recursive: true });
    const fresh = `${folder}.new`;
    await removeTree(fresh);
    if (initial === undefined) await mkdir(fresh);
    else await copyTree(initial, fresh);
    if (process.getuid?.() === 0) await lchown(fresh, owner.uid, owner.gid);
    await chmod(fresh, owner.mode);
    await rename(fresh, folder);
    return folder;
  }

  /** Waits until nobody else uses these caches; the answer gives them back. In one order for all, so that none waits for ever. */
  async take(ids: readonly string[], signal: AbortSignal): Promise<() => void> {
    const taken: (() => void)[] = [];
    const giveBack = () => {
      for (const one of taken) one();
    };
    try {
      for (const id of [...new Set(ids)].sort()) taken.push(await this.#take(id, signal));
    } catch (error) {
      giveBack();
      throw error;
    }
    return giveBack;
  }

  async #take(id: string, signal: AbortSignal): Promise<() => void> {
    const before = this.#turns.get(id) ?? Promise.resolve();
    let done: () => void = () => undefined;
    const mine = new Promise<void>((resolve) => {
      done = resolve;
    });
    this.#turns.set(
      id,
      before.then(() => mine),
    );
    try {
      await untilAborted(before, signal);
    } catch (error) {
      done();
      throw error;
    }
    return done;
  }
}

function untilAborted(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    wait.then(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
  });
}
