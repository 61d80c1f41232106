import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants as fsConstants } from "node:fs";
import { mkdir, mkdtemp, rm, rmdir } from "node:fs/promises";
import { constants as osConstants } from "node:os";
import { join } from "node:path";
import { lstatIfAny, pathInRoot } from "../context/path-in-root.ts";
import { EngineError } from "../engine.ts";
import { cappedLog } from "./capped-log.ts";
import { sandboxScript } from "./sandbox-script.ts";

export interface SandboxCommand {
  /** The file system the command sees as `/`. */
  readonly root: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Made when it is missing. */
  readonly workingDirectory: string;
  readonly uid: number;
  readonly gid: number;
}

/** What Docker gives root, less mknod: enough for package managers, not for mounts or devices. */
const capabilities =
  "chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot audit_write setfcap";
const boundingSet = ["-all", ...capabilities.split(" ").map((name) => `+${name}`)].join(",");

const toolFolders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/bin"];
const outputLimit = 8 * 1024 * 1024;

/**
 * Runs commands of images in Linux namespaces of their own: mounts, processes, host name, IPC and network (none but
 * loopback). Nothing is mounted outside, and everything started inside ends with the command, or with us.
 */
export class Sandbox {
  readonly #namespaces: readonly string[];
  readonly mode: "root" | "user";

  constructor(mode: "root" | "user") {
    this.mode = mode;
    const own = ["--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts", "--net", "--propagation", "private"];
    this.#namespaces = mode === "root" ? own : ["--user", "--map-root-user", ...own];
  }

  /** Runs to the end and returns the exit code, 128 + n after signal n. Aborting kills everything and throws. */
  async run(command: SandboxCommand, log: (text: string) => void, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    const { root } = command;
    const folder = await pathInRoot(root, command.workingDirectory);
    await mkdir(join(root, folder), { recursive: true });
    if (this.mode === "user" && (command.uid !== 0 || command.gid !== 0)) {
      log("[Warning] running as root of the sandbox: an unprivileged user's sandbox knows no other\n");
    }
    const made = await makeMountPoints(root);
    try {
      const child = spawn(tool("setpriv"), this.#arguments(command, folder), {
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: toolFolders.join(":") },
        cwd: "/",
      });
      return await ended(child, cappedLog(log, outputLimit), signal);
    } finally {
      for (const path of made) await rmdir(path).catch(() => undefined);
    }
  }

  /**
   * From the outside in: die with our process; new namespaces; set up mounts; drop capabilities; clear the environment
   * and set the image's; enter the root as the user. The image's variables reach none of the machine's tools before.
   */
  #arguments({ root, command, env, uid, gid }: SandboxCommand, folder: string): string[] {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const user = this.mode === "user" || (uid === 0 && gid === 0) ? [] : [`--setgid=${gid}`, `--setuid=${uid}`];
    return [
      ...["--pdeathsig", "KILL", tool("unshare"), ...this.#namespaces],
      ...[tool("sh"), "-c", sandboxScript, "sandbox", root],
      ...[tool("setpriv"), `--bounding-set=${boundingSet}`, tool("env"), "-i", "--", ...variables],
      ...[tool("unshare"), "--root=.", `--wd=${folder}`, ...user, "--", ...command],
    ];
  }
}

/** The best sandbox this machine allows, or why there is none. Tries it with a command that ends before any chroot. */
export async function findSandbox(scratchDir: string): Promise<Sandbox | { readonly impossible: string }> {
  if (process.platform !== "linux") return { impossible: `this is ${process.platform}, not Linux` };
  const sandbox = new Sandbox(process.getuid?.() === 0 ? "root" : "user");
  await mkdir(scratchDir, { recursive: true });
  const root = await mkdtemp(join(scratchDir, "probe-"));
  let output = "";
  try {
    const command = { root, command: ["/nothing"], env: {}, workingDirectory: "/", uid: 0, gid: 0 };
    const code = await sandbox.run(command, (text) => (output += text), AbortSignal.timeout(10_000));
    // Everything before the command went well when the one complaint is that there is no such command.
    return code === 127 ? sandbox : { impossible: output.trim() };
  } catch (error) {
    return { impossible: `${output}${(error as Error).message}` };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

function tool(name: string): string {
  for (const folder of toolFolders) {
    const path = `${folder}/${name}`;
    try {
      accessSync(path, fsConstants.X_OK);
      return path;
    } catch {}
  }
  throw new EngineError(`there is no ${name} on this machine (packages util-linux and coreutils)`);
}

/** Real folders only: a mount would follow a link of the image's to somewhere else. */
async function makeMountPoints(root: string): Promise<string[]> {
  const made: string[] = [];
  for (const name of ["proc", "dev"]) {
    const path = join(root, name);
    const stats = await lstatIfAny(path);
    if (stats && !stats.isDirectory()) throw new EngineError(`/${name} of the image is not a folder`);
    if (stats) continue;
    await mkdir(path);
    made.push(path);
  }
  return made;
}

function ended(child: ChildProcess, log: (text: string) => void, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const kill = () => child.kill("SIGKILL");
    signal.addEventListener("abort", kill, { once: true });
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
