import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDockerfile } from "../built-in/dockerfile.ts";
import { type BuildRequest, EngineError } from "../engine.ts";
import type { BuildKitClient } from "./find-buildkit-client.ts";

const buildKitFlags: Readonly<Record<string, readonly string[]>> = {
  RUN: ["mount", "network", "security"],
  COPY: ["chmod", "link", "parents", "exclude"],
  ADD: ["chmod", "link", "checksum", "keep-git-dir", "exclude"],
};

/** What of a build the classic builder cannot do, in a few words; undefined when it can do all of it. */
export function needOfBuildKit(request: BuildRequest, text: string): string | undefined {
  if (Object.keys(request.secrets ?? {}).length > 0) return "build secrets";
  for (const { keyword, flags, heredocs } of instructionsOf(text)) {
    if (heredocs.length > 0) return `a here-document in ${keyword}`;
    const flag = flags.find(({ name }) => buildKitFlags[keyword]?.includes(name));
    if (flag) return `${keyword} --${flag.name}`;
  }
  return undefined;
}

/** A Dockerfile we cannot read may still be one that Docker can. */
function instructionsOf(text: string) {
  try {
    return parseDockerfile(text).stages.flatMap(({ instructions }) => instructions);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return [];
  }
}

/** Builds with the daemon's own BuildKit, which only Docker's command line speaks to: `client`, if there is one. */
export async function buildWithBuildKit(
  client: BuildKitClient | undefined,
  socketPath: string,
  request: BuildRequest,
  need: string,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (client === undefined) {
    throw new EngineError(
      `${need} needs BuildKit, and there is no docker command that can ask for it: ` +
        "install Debian's docker.io, or docker-buildx beside a newer docker",
    );
  }
  // A client keeps notes of builds; nothing of the user's is to change.
  const notes = await mkdtemp(join(tmpdir(), "slipway-docker-"));
  const env = {
    ...process.env,
    DOCKER_HOST: `unix://${socketPath}`,
    DOCKER_BUILDKIT: "1",
    DOCKER_CONTEXT: undefined,
    BUILDX_CONFIG: notes,
    ...(client.plugin ? {} : { DOCKER_CONFIG: notes }),
  };
  const child = spawn(client.command, buildArguments(request), { env, stdio: ["ignore", "pipe", "pipe"] });
  const stop = () => child.kill("SIGKILL");
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  let last = "";
  const write = (said: string) => {
    log(said);
    last = (last + said).slice(-4000);
  };
  child.stdout.setEncoding("utf8").on("data", write);
  child.stderr.setEncoding("utf8").on("data", write);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  }).finally(() => {
    signal.removeEventListener("abort", stop);
    return rm(notes, { recursive: true, force: true });
  });
  signal.throwIfAborted();
  if (code !== 0) throw new EngineError(failureIn(last));
}

function buildArguments(request: BuildRequest): string[] {
  const { contextDir, dockerfile, tags, buildArgs, labels, secrets = {}, target, platform, network } = request;
  const pairs = (option: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([name, value]) => [option, `${name}=${value}`]);
  return [
    ...["build", "--progress=plain", "--file", join(contextDir, dockerfile)],
    ...tags.flatMap((tag) => ["--tag", tag]),
    ...pairs("--build-arg", buildArgs),
    ...pairs("--label", labels),
    ...Object.entries(secrets).flatMap(([id, file]) => ["--secret", `id=${id},src=${file}`]),
    ...(target === undefined ? [] : ["--target", target]),
    ...(platform === undefined ? [] : ["--platform", platform]),
    ...(network === undefined ? [] : ["--network", network]),
    ...(request.noCache ? ["--no-cache"] : []),
    contextDir,
  ];
}

/** The client ends with its reason; what the failed step printed stands before it, and in the log. */
function failureIn(output: string): string {
  const lines = output.trimEnd().split("\n");
  const reason = lines.findLast((line) => /^(?:ERROR: )?failed to |^error: /i.test(line));
  return (reason ?? lines.at(-1) ?? "").replace(/^(?:ERROR|error): /, "") || "BuildKit failed";
}
