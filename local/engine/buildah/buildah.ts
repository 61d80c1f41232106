import type { ChildProcess } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ControlGroup } from "../built-in/control-group.ts";
import type { Limits } from "../built-in/limits.ts";
import { spawnApart } from "../built-in/spawn-apart.ts";
import { bring } from "../built-in/start-tool.ts";
import { findTool, tool, toolFolders } from "../built-in/tool.ts";
import { EngineError } from "../engine.ts";
import { namespaceScript } from "./namespace-script.ts";

/** `overlay` is quick; `vfs` copies every layer whole, but works everywhere. */
export type StorageDriver = "overlay" | "vfs";

interface Isolation {
  /** `host`, a new one with a loopback alone, or that of a process. */
  readonly network: "host" | "none" | { readonly namespace: string };
  readonly limits: Limits;
  /** A named pipe, at `/dev/start.out` inside. */
  readonly out?: string;
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Any longer, and it is no message. */
const keptStderr = 16_384;

/** The program `buildah`, with a store, configuration and temporary files of its own below one folder. */
export class Buildah {
  readonly #folder: string;
  readonly #driver: StorageDriver;
  /** The beginning of a command inside that runs a shell of ours, which is there with an `out`. */
  readonly shell: readonly string[];

  private constructor(folder: string, driver: StorageDriver, shell: readonly string[]) {
    this.#folder = folder;
    this.#driver = driver;
    this.shell = shell;
  }

  /** `folder` is new; `insecure` is a registry that speaks plain HTTP. */
  static async in(folder: string, driver: StorageDriver, insecure: string): Promise<Buildah> {
    for (const name of ["tmp", "home", "dev", "start"]) await mkdir(join(folder, name), { recursive: true });
    const files: Readonly<Record<string, string>> = {
      "registries.conf":
        `unqualified-search-registries = ["docker.io"]\n` + `[[registry]]\nlocation = "${insecure}"\ninsecure = true\n`,
      "policy.json": '{ "default": [{ "type": "insecureAcceptAnything" }] }\n',
      "storage.conf": `[storage]\ndriver = "${driver}"\n`,
      "containers.conf": "",
      "auth.json": "{}\n",
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return new Buildah(folder, driver, await bring("sh", join(folder, "start")));
  }

  static isInstalled(): boolean {
    return findTool("buildah") !== undefined;
  }

  file(name: string): string {
    return join(this.#folder, name);
  }

  /** Something that runs no command of an image; returns what it printed. Aborting kills it. */
  async ask(args: readonly string[], signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted();
    // Its storage mounts what it works on, even to look at it.
    const alone = [tool("unshare"), "--mount", "--propagation", "private", "--"];
    const command = ["--pdeathsig", "KILL", ...alone, ...this.#command(args)];
    const { code, stdout, stderr } = await ended(this.#spawn(command), undefined, signal);
    if (code === 0) return stdout.trim();
    throw new EngineError(/(?:^|\n)Error: ([\s\S]*)$/.exec(stderr)?.[1]?.trim() ?? stderr.trim());
  }

  /**
   * Something that runs commands of images, in namespaces of its own: nothing it mounts is seen outside, and all that
   * it started ends with it. Returns the exit code; aborting kills everything and throws.
   */
  async execute(
    args: readonly string[],
    { network, limits, out }: Isolation,
    output: { readonly stdout: (text: string) => void; readonly stderr: (text: string) => void },
    signal: AbortSignal,
  ): Promise<number> {
    signal.throwIfAborted();
    const group = await ControlGroup.make(limits);
    try {
      const own = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--ipc", "--uts"];
      const command = [
        ...["--pdeathsig", "KILL"],
        ...(typeof network === "object" ? [tool("nsenter"), `--net=${network.namespace}`, "--"] : []),
        ...[tool("unshare"), ...own, ...(network === "none" ? ["--net"] : []), "--propagation", "private", "--"],
        ...[tool("sh"), "-c", namespaceScript, "buildah", this.file("dev"), network === "none" ? "lo" : "-"],
        ...(out === undefined ? ["-", "-"] : [this.file("start"), out]),
        ...[...(group?.entrances ?? []), "--", ...this.#command(args)],
      ];
      const { code } = await ended(this.#spawn(command), output, signal);
      if (await group?.ranOutOfMemory()) {
        output.stdout(`[the step used all of its ${Math.round(limits.memory / 1024 / 1024)} MiB of memory]\n`);
      }
      return code;
    } finally {
      await group?.remove();
    }
  }

  #command(args: readonly string[]): string[] {
    const store = ["--root", this.file("root"), "--runroot", this.file("run"), "--storage-driver", this.#driver];
    const configuration = ["--registries-conf", this.file("registries.conf"), "--log-level", "fatal"];
    return [tool("buildah"), ...store, ...configuration, ...args];
  }

  #spawn(args: readonly string[]): ChildProcess {
    const env = {
      PATH: toolFolders.join(":"),
      HOME: this.file("home"),
      TMPDIR: this.file("tmp"),
      CONTAINERS_STORAGE_CONF: this.file("storage.conf"),
      CONTAINERS_CONF: this.file("containers.conf"),
      REGISTRY_AUTH_FILE: this.file("auth.json"),
      // Root's record of where blobs were seen would lie in /var/lib; anybody else's lies in HOME.
      _CONTAINERS_ROOTLESS_UID: "65534",
    };
    return spawnApart(tool("setpriv"), args, { env });
  }
}

/** Without `output`, what is printed is kept and returned. */
function ended(
  child: ChildProcess,
  output: { readonly stdout: (text: string) => void; readonly stderr: (text: string) => void } | undefined,
  signal: AbortSignal | undefined,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    const kill = () => child.kill("SIGKILL");
    signal?.addEventListener("abort", kill, { once: true });
    if (signal?.aborted) kill();
    child.stdout?.setEncoding("utf8").on("data", output?.stdout ?? ((text: string) => (stdout += text)));
    child.stderr
      ?.setEncoding("utf8")
      .on("data", output?.stderr ?? ((text: string) => (stderr = (stderr + text).slice(-keptStderr))));
    child.once("error", reject);
    child.once("close", (code) => {
      signal?.removeEventListener("abort", kill);
      if (signal?.aborted) reject(signal.reason);
      else resolve({ code: code ?? 128 + 9, stdout, stderr });
    });
  });
}
