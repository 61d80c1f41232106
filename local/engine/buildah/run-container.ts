import { constants } from "node:os";
import type { ContainerConfig } from "../built-in/image.ts";
import type { Limits } from "../built-in/limits.ts";
import type { SandboxNetwork } from "../built-in/sandbox-network.ts";
import { EngineError, type RunImageRequest } from "../engine.ts";
import type { Buildah } from "./buildah.ts";
import { FinalWords } from "./final-words.ts";
import { NamedPipe } from "./named-pipe.ts";

/** What `buildah run` adds to the standard error of a command that failed, in chroot isolation. */
const lastWords = /(?:subprocess exited (?:with status \d+|on [a-z ]+)\n|Error: exit status \d+\n?)+$/;

/** Go's words for a signal. */
const signals: Readonly<Record<string, number>> = {
  aborted: constants.signals.SIGABRT,
  hangup: constants.signals.SIGHUP,
  interrupt: constants.signals.SIGINT,
  killed: constants.signals.SIGKILL,
  "segmentation fault": constants.signals.SIGSEGV,
  terminated: constants.signals.SIGTERM,
};

/**
 * Buildah ends as soon as a command has, without waiting for what it still has to hand on of its output: on a busy machine
 * all of a short command's is lost (1.28, chroot/run_common.go). So it gets past it, and keeps its order.
 */
const toThePipe = 'exec "$@" >/dev/start.out 2>&1';

let made = 0;

/** Runs an image to its end as `docker run` would, and removes the container. Resolves to Docker's exit code. */
export async function runContainer(
  buildah: Buildah,
  request: RunImageRequest,
  network: SandboxNetwork | undefined,
  limits: Limits,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const command = commandOf(request, await configOf(buildah, request.reference));
  if (request.hostName !== undefined) await network?.addName(request.hostName);
  const container = `slipway-${++made}`;
  const policy = ["--signature-policy", buildah.file("policy.json")];
  await buildah.ask(["from", "--pull-never", ...policy, "--name", container, request.reference]);
  try {
    const pipe = await NamedPipe.make(buildah.file(container), log);
    try {
      const stderr = new FinalWords(log, lastWords);
      const output = { stdout: log, stderr: (text: string) => stderr.write(text) };
      const isolation = { network: network ?? ("none" as const), limits, out: pipe.path };
      const hosts = network?.hostsFile ?? buildah.file("hosts");
      const args = [...options(request, hosts), container, "--", ...buildah.shell, "-c", toThePipe, "sh", ...command];
      const code = await buildah.execute(["run", ...args], isolation, output, signal);
      return code === 0 ? 0 : exitCode(code, stderr);
    } finally {
      await pipe.close();
    }
  } finally {
    await buildah.ask(["rm", container]);
  }
}

async function configOf(buildah: Buildah, reference: string): Promise<ContainerConfig> {
  const text = await buildah.ask(["inspect", "--type", "image", reference]).catch((error: Error) => {
    throw new EngineError(`buildah has no image ${reference}: ${error.message}`);
  });
  return (JSON.parse(text) as { Docker: { config?: ContainerConfig } }).Docker.config ?? {};
}

/** Arguments take the place of CMD, an entrypoint given takes both places. */
function commandOf({ reference, entrypoint, args }: RunImageRequest, { Entrypoint, Cmd }: ContainerConfig): string[] {
  const first = entrypoint === undefined ? (Entrypoint ?? []) : [entrypoint];
  const initial = entrypoint === undefined ? (Cmd ?? []) : [];
  const command = [...first, ...(args.length > 0 ? args : initial)];
  if (command.length === 0) throw new EngineError(`${reference} has no command and none was given`);
  return command;
}

function options({ env, user, workingDirectory, mounts = [] }: RunImageRequest, hosts: string): string[] {
  const all = [{ hostPath: hosts, containerPath: "/etc/hosts", readOnly: true }, ...mounts];
  return [
    ...["--isolation", "chroot", "--terminal=false"],
    ...env.flatMap((entry) => ["--env", entry]),
    ...all.flatMap(({ hostPath, containerPath, readOnly }) => {
      const bind = `type=bind,source=${hostPath},destination=${containerPath}`;
      return ["--mount", `${bind}${readOnly ? ",ro" : ",rw"}`];
    }),
    ...(user ? ["--user", user] : []),
    ...(workingDirectory ? ["--workingdir", workingDirectory] : []),
  ];
}

/** Buildah says 1 for a signal, which Docker tells apart by number, and has words for it. That a command is missing or not executable the shell tells. */
function exitCode(code: number, stderr: FinalWords): number {
  const words = stderr.held;
  const ended = /subprocess exited on ([a-z ]+)\n/.exec(words)?.[1];
  const number = ended === undefined ? undefined : signals[ended];
  if (number !== undefined) return 128 + number;
  if (!words.startsWith("subprocess exited")) stderr.release();
  return code;
}
