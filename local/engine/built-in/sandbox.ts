import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, mkdir, mkdtemp, statfs, writeFile } from "node:fs/promises";
import { constants as osConstants } from "node:os";
import { join } from "node:path";
import { pathInRoot } from "../context/path-in-root.ts";
import { EngineError } from "../engine.ts";
import { removeTree } from "../remove-tree.ts";
import { cappedLog } from "./capped-log.ts";
import { ControlGroup } from "./control-group.ts";
import type { Keeper } from "./keeper.ts";
import { type Limits, usualLimits } from "./limits.ts";
import { byDepth, covers, MountPlaces, type SandboxMount } from "./mount-places.ts";
import { localNames, SandboxNetwork } from "./sandbox-network.ts";
import { sandboxScript } from "./sandbox-script.ts";
import { enterUsers, keepUsers } from "./sandbox-users.ts";
import { spawnApart } from "./spawn-apart.ts";
import { type StartTool, startTool } from "./start-tool.ts";
import { tool, toolFolders } from "./tool.ts";

interface SandboxCommand {
  /** The file system the command sees as `/`. Nothing else may run in it. */
  readonly root: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Made when it is missing. */
  readonly workingDirectory: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly mounts?: readonly SandboxMount[];
  /** Absent: a loopback of its own. */
  readonly network?: SandboxNetwork;
  readonly hostName?: string;
}

/** What Docker gives root, less mknod: enough for package managers, not for mounts or devices. */
const capabilities =
  "chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot audit_write setfcap";
const boundingSet = ["-all", ...capabilities.split(" ").map((name) => `+${name}`)].join(",");

/**
 * One real pipe for both outputs, which keeps their order and can be opened as /dev/stdout; Node gives its children
 * sockets. Any user of the image may open it. What copies it ends with the last that can write.
 */
const onePipe = `
set -e
mkfifo -m 666 "$1"
exec 7<>"$1" 8<"$1" 9>"$1" 7>&-
rm "$1"
shift
cat <&8 8<&- 9>&- &
exec "$@" >&9 2>&9 8<&- 9>&-
`;

/** Between two looks at the disk, in milliseconds. */
const diskPeriod = 200;

/**
 * Runs commands of images in Linux namespaces of their own: users, mounts, processes, host name, IPC and network (none
 * but loopback). Nothing is mounted outside, and everything started inside ends with the command, or with us.
 */
export class Sandbox {
  readonly mode: "root" | "user";
  readonly #users: Keeper | undefined;
  readonly #scratchDir: string;
  readonly #limits: Limits;
  #hosts: Promise<string> | undefined;
  #start: Promise<StartTool> | undefined;

  private constructor(mode: "root" | "user", users: Keeper | undefined, scratchDir: string, limits: Limits) {
    this.mode = mode;
    this.#users = users;
    this.#scratchDir = scratchDir;
    this.#limits = limits;
  }

  static async open(scratchDir: string, limits: Limits): Promise<Sandbox> {
    const mode = process.getuid?.() === 0 ? "root" : "user";
    return new Sandbox(mode, await keepUsers(mode), scratchDir, limits);
  }

  createNetwork(): Promise<SandboxNetwork> {
    return SandboxNetwork.start(this.#entering([]), this.#scratchDir);
  }

  /** Ends with it all that runs in it. */
  async close(): Promise<void> {
    await this.#users?.stop();
    const start = await this.#start?.catch(() => undefined);
    if (start) await removeTree(start.folder);
  }

  /** Runs to the end and returns the exit code, 128 + n after signal n. Aborting kills everything and throws. */
  async run(command: SandboxCommand, log: (text: string) => void, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    const { root } = command;
    if (this.mode === "user" && (command.uid !== 0 || command.gid !== 0)) {
      log("[Warning] running as root of the sandbox: an unprivileged user's sandbox knows no other\n");
    }
    const places = new MountPlaces(root);
    const group = await ControlGroup.make(this.#limits);
    try {
      for (const folder of ["/proc", "/dev"]) await places.make(folder);
      const mounts = await this.#place(command, places);
      const folder = await pathInRoot(root, command.workingDirectory);
      await places.make(folder).catch(() => undefined);
      const entering = (group?.entrances ?? []).flatMap((file) => ["group", file, "-"]);
      this.#start ??= startTool(this.#scratchDir);
      const args = this.#arguments(command, folder, await this.#start, [...entering, ...mounts], group);
      const pipe = join(this.#scratchDir, `run-${randomUUID()}`);
      const before = ["-c", onePipe, "sandbox", pipe, tool("setpriv")];
      const child = spawnApart(tool("sh"), [...before, ...args], { env: { PATH: toolFolders.join(":") } });
      const code = await this.#whileThereIsRoom(root, signal, (both) =>
        ended(child, cappedLog(log, this.#limits.output), both),
      );
      if (await group?.ranOutOfMemory())
        log(`[the step used all of its ${mebibytes(this.#limits.memory)} of memory]\n`);
      return code;
    } finally {
      await group?.remove();
      await places.undo();
    }
  }

  async #place(command: SandboxCommand, places: MountPlaces): Promise<string[]> {
    const { mounts = [], network } = command;
    const hosts = { target: "/etc/hosts", source: network?.hostsFile ?? (await this.#hostsFile()), readOnly: true };
    const all = mounts.some((mount) => covers(mount, hosts.target)) ? mounts : [hosts, ...mounts];
    const words: string[] = [];
    for (const mount of byDepth(all)) {
      const inside = await places.add(mount);
      // Without a size it would have none.
      if (typeof mount.source !== "string") {
        const { memory } = this.#limits;
        words.push("tmpfs", String(Math.min(mount.source.size || memory, memory)), inside);
      } else words.push(mount.readOnly ? "read-only" : "bind", mount.source, inside);
    }
    return words;
  }

  /** What /etc/hosts is without a network. */
  #hostsFile(): Promise<string> {
    const file = join(this.#scratchDir, "hosts");
    this.#hosts ??= writeFile(file, localNames).then(() => file);
    return this.#hosts;
  }

  /**
   * From the outside in: die with our process; namespaces; set up mounts; limits; drop capabilities, ours to hand on
   * too; enter the root; become the user; set the image's variables, which no program outside may see.
   */
  #arguments(
    { root, command, env, uid, gid, groups, network, hostName }: SandboxCommand,
    folder: string,
    start: StartTool,
    preparation: readonly string[],
    group: ControlGroup | undefined,
  ): string[] {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const user = [`--regid=${gid}`, `--reuid=${uid}`, `--groups=${[gid, ...groups].join(",")}`];
    return [
      ...["--pdeathsig", "KILL", ...this.#namespaces(network)],
      ...[tool("sh"), "-c", sandboxScript, "sandbox", root, hostName ?? "sandbox", start.folder, ...preparation, "--"],
      ...[tool("prlimit"), "--core=0", ...(group ? [] : this.#processLimits()), "--"],
      ...[tool("setpriv"), `--bounding-set=${boundingSet}`, "--inh-caps=-all", "--ambient-caps=-all"],
      ...[tool("unshare"), "--root=.", `--wd=${folder}`, "--"],
      ...(this.mode === "user" ? [] : [...start.setpriv, ...user, "--"]),
      ...[...start.env, "-i", "--", ...variables, ...command],
    ];
  }

  #namespaces(network: SandboxNetwork | undefined): string[] {
    const own = ["--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts", "--propagation", "private"];
    const joined = network === undefined ? [] : [`--net=${network.namespace}`];
    return [...this.#entering(joined), tool("unshare"), ...(network === undefined ? ["--net"] : []), ...own, "--"];
  }

  #entering(more: readonly string[]): string[] {
    if (this.#users !== undefined) return [...enterUsers(this.#users), ...more, "--"];
    return more.length === 0 ? [] : [tool("nsenter"), ...more, "--"];
  }

  /** Where there are no control groups: memory of each process alone, and processes of an unprivileged user only. */
  #processLimits(): string[] {
    const { memory, processes } = this.#limits;
    return [`--data=${memory}`, `--nproc=${processes}`];
  }

  async #whileThereIsRoom<T>(root: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const free = async () => {
      const { bavail, bsize } = await statfs(root);
      return bavail * bsize;
    };
    const before = await free();
    const full = new AbortController();
    const { disk } = this.#limits;
    const look = async () => {
      if (before - (await free()) <= disk) return;
      full.abort(new EngineError(`the step wrote more than ${mebibytes(disk)} to the disk`));
    };
    const timer = setInterval(() => void look().catch(() => undefined), diskPeriod);
    try {
      return await work(AbortSignal.any([signal, full.signal]));
    } finally {
      clearInterval(timer);
    }
  }
}

/** The best sandbox this machine allows, or why there is none. Tries it with a command that ends before any chroot. */
export async function findSandbox(
  scratchDir: string,
  limits = usualLimits,
): Promise<Sandbox | { readonly impossible: string }> {
  if (process.platform !== "linux") return { impossible: `this is ${process.platform}, not Linux` };
  await makePrivate(scratchDir);
  const root = await mkdtemp(join(scratchDir, "probe-"));
  let output = "";
  let sandbox: Sandbox | undefined;
  try {
    sandbox = await Sandbox.open(scratchDir, limits);
    const command = { root, command: ["/nothing"], env: {}, workingDirectory: "/", uid: 0, gid: 0, groups: [] };
    const code = await sandbox.run(command, (text) => (output += text), AbortSignal.timeout(10_000));
    // Everything before the command went well when the one complaint is that there is no such command.
    if (code === 127) return sandbox;
    await sandbox.close();
    return { impossible: output.trim() };
  } catch (error) {
    await sandbox?.close();
    return { impossible: `${output}${(error as Error).message}` };
  } finally {
    await removeTree(root);
  }
}

/** Images have setuid programs; nobody else of this machine may reach them. */
export async function makePrivate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}

function ended(child: ChildProcess, log: (text: string) => void, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const kill = () => child.kill("SIGKILL");
    signal.addEventListener("abort", kill, { once: true });
    if (signal.aborted) kill();
    child.stdout?.setEncoding("utf8").on("data", log);
    child.stderr?.setEncoding("utf8").on("data", log);
    child.once("error", reject);
    child.once("close", (code, name) => {
      signal.removeEventListener("abort", kill);
      if (signal.aborted) reject(signal.reason);
      else resolve(code ?? 128 + (name ? osConstants.signals[name] : 0));
    });
  });
}
