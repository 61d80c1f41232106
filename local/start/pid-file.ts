import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { processStart } from "./process-start.ts";

export interface RecordedProcess {
  readonly pid: number;
  readonly startedAt: string;
}

interface Recorded extends RecordedProcess {
  readonly children: Readonly<Record<string, RecordedProcess>>;
}

/** Children of a killed supervisor end by themselves; longer than the host's drain. */
const patience = 15_000;

/** Who runs the twin of a folder. A record whose process is gone, or whose pid is somebody else's now, counts for nothing. */
export class PidFile {
  readonly #path: string;
  #children: Record<string, RecordedProcess> = {};

  constructor(path: string) {
    this.#path = path;
  }

  /** The pid of the one that runs now, if there is one. */
  runningPid(): number | undefined {
    const recorded = read(this.#path);
    return recorded && isSame(recorded) && recorded.pid !== process.pid ? recorded.pid : undefined;
  }

  /** Makes this process the one. Returns the other's pid when there is one already. */
  claim(): number | undefined {
    mkdirSync(dirname(this.#path), { recursive: true });
    for (;;) {
      try {
        writeFileSync(this.#path, this.#text(), { flag: "wx" });
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const running = this.runningPid();
      if (running !== undefined) return running;
      this.#removeStale();
    }
  }

  /** Moved away before it is judged: another starter may have put its own there since we looked. */
  #removeStale(): void {
    const aside = `${this.#path}.${process.pid}`;
    try {
      renameSync(this.#path, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error;
    }
    const moved = read(aside);
    if (moved && isSame(moved)) renameSync(aside, this.#path);
    else rmSync(aside, { force: true });
  }

  /** Remembers a child, so that the next start can wait for it if we are killed. */
  recordChild(name: string, pid: number): void {
    this.#children[name] = describe(pid);
    const next = `${this.#path}.next`;
    writeFileSync(next, this.#text());
    renameSync(next, this.#path);
  }

  release(): void {
    rmSync(this.#path, { force: true });
  }

  /** Children that a killed supervisor left; waits for them and ends, by id, what has not ended by itself. */
  async waitForLeftBehind(onWait: (name: string, pid: number) => void): Promise<void> {
    for (const [name, child] of Object.entries(read(this.#path)?.children ?? {})) {
      if (!isSame(child)) continue;
      onWait(name, child.pid);
      const until = Date.now() + patience;
      while (isSame(child) && Date.now() < until) await delay(50);
      if (isSame(child)) process.kill(child.pid, "SIGKILL");
    }
  }

  #text(): string {
    return `${JSON.stringify({ ...describe(process.pid), children: this.#children } satisfies Recorded, null, 2)}\n`;
  }
}

/** Half a file, or somebody else's, is none. */
function read(path: string): Recorded | undefined {
  try {
    const { pid, startedAt, children } = JSON.parse(readFileSync(path, "utf8")) as Partial<Recorded>;
    return typeof pid === "number" && typeof startedAt === "string"
      ? { pid, startedAt, children: children ?? {} }
      : undefined;
  } catch {
    return undefined;
  }
}

function describe(pid: number): RecordedProcess {
  return { pid, startedAt: processStart(pid) ?? "" };
}

function isSame({ pid, startedAt }: RecordedProcess): boolean {
  return startedAt !== "" && processStart(pid) === startedAt;
}
