import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { findBuildah } from "../../../local/engine/buildah/find-buildah.ts";
import { findSandbox } from "../../../local/engine/built-in/sandbox.ts";
import { DockerClient } from "../../../local/engine/docker/docker-client.ts";
import type { BuildRequest, Engine, RunImageRequest } from "../../../local/engine/engine.ts";
import { type LocalRegistry, startRegistry } from "../../../local/registry/registry.ts";
import { apiVersion, socket } from "../../support/docker-daemon.ts";

const run = promisify(execFile);

const probeDir = await mkdtemp(join(tmpdir(), "slipway-probe-"));
/** Can this machine run commands of images without Docker? */
export const canSandbox = !("impossible" in (await findSandbox(probeDir)));
/** Buildah where it is installed and works, with the storage that suits this machine. */
const foundBuildah = await findBuildah(probeDir);
export const buildah = "impossible" in foundBuildah ? undefined : foundBuildah;
await rm(probeDir, { recursive: true });

const devices = ["/dev/null", "/dev/full", "/dev/tty"];

/**
 * A script that says `could: …` for what root of an image may not do to the machine, then `done`. Nothing here would
 * hurt, should it work: everything gets the mode and owner it has.
 */
export const attemptsOnTheMachine = [
  "echo 1 > /proc/sys/vm/drop_caches",
  "echo x > /proc/sysrq-trigger",
  ...devices.flatMap((device) => [`chmod 0666 ${device}`, `chown 0:0 ${device}`, `touch ${device}`]),
  // A pipe is nobody else's.
  "test ! -p /dev/stdin && chmod 0666 /proc/self/fd/0",
  ...["chmod 0444 /proc/misc", "chown 0:0 /proc/misc", "chmod 0555 /proc/bus"],
  ...["chmod 0400 /proc/kcore", "chmod 0400 /proc/kmsg", "cat /proc/kmsg | head -c 1 | grep ."],
  "chmod 0444 /sys/kernel/notes",
]
  .map((attempt) => `( ${attempt} ) >/dev/null 2>&1 && echo "could: ${attempt}"`)
  .concat("echo done")
  .join("\n");

/** The daemon DOCKER_HOST or the usual socket leads to, if any. */
export const docker = socket !== undefined && apiVersion ? new DockerClient(socket, apiVersion) : undefined;

/** Perl and the libraries it loads: something that can listen and ask, for images made of a shell. */
export const perlFiles = await filesOf("/usr/bin/perl");

/** A program of this machine and the libraries it loads. */
export async function filesOf(program: string): Promise<string[] | undefined> {
  const listed = await run("ldd", [program]).catch(() => undefined);
  return listed && [program, ...[...listed.stdout.matchAll(/=> (\/\S+)/g)].map(([, path]) => path!)];
}

/** A registry, an engine and folders for one test file; `remove` takes all of it away. */
export class World {
  readonly dir: string;
  readonly registry: LocalRegistry;
  readonly engine: Engine;
  /** Everything the engine has said since `build` or `run` was last called. */
  log = "";
  #contexts = 0;

  private constructor(dir: string, registry: LocalRegistry, engine: Engine) {
    this.dir = dir;
    this.registry = registry;
    this.engine = engine;
  }

  static async make(engineFor: (registry: LocalRegistry, scratchDir: string) => Engine): Promise<World> {
    const dir = await mkdtemp(join(tmpdir(), "slipway-engine-"));
    const registry = await startRegistry({ dir: join(dir, "registry") });
    return new World(dir, registry, engineFor(registry, join(dir, "scratch")));
  }

  /** `web:v1` with this registry's login server before it. */
  reference(name: string): string {
    return `${this.registry.loginServer}/${name}`;
  }

  /** `{base}` in a Dockerfile stands for the shell base. */
  async context(files: Readonly<Record<string, string>>): Promise<string> {
    const dir = join(this.dir, `context-${++this.#contexts}`);
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(dir, name)), { recursive: true });
      await writeFile(join(dir, name), text.replaceAll("{base}", this.reference("local/shell:1")));
    }
    return dir;
  }

  async build(
    name: string,
    files: Readonly<Record<string, string>> | string,
    more: Partial<BuildRequest> = {},
    signal = new AbortController().signal,
  ): Promise<void> {
    this.log = "";
    const contextDir = typeof files === "string" ? files : await this.context(files);
    const request = { contextDir, dockerfile: "Dockerfile", buildArgs: {}, labels: {}, noCache: false, ...more };
    await this.engine.build({ tags: [this.reference(name)], ...request }, (text) => (this.log += text), signal);
  }

  push(name: string): Promise<string> {
    return this.engine.push(this.reference(name), () => undefined, new AbortController().signal);
  }

  run(
    name: string,
    args: readonly string[],
    more: Partial<RunImageRequest> = {},
    signal = new AbortController().signal,
  ): Promise<number> {
    this.log = "";
    const request = { reference: this.reference(name), args, env: [], ...more };
    return this.engine.run(request, (text) => (this.log += text), signal);
  }

  async remove(): Promise<void> {
    await this.engine.close();
    if (this.engine.name === "docker") await removeImages(this.registry.loginServer);
    await this.registry.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** What a test file built in the user's daemon. */
async function removeImages(loginServer: string): Promise<void> {
  const filters = JSON.stringify({ reference: [`${loginServer}/*`, `${loginServer}/*/*`] });
  const images = await docker!.json<{ RepoTags: string[] | null }[]>("GET", "/images/json", { query: { filters } });
  for (const tag of images!.flatMap(({ RepoTags }) => RepoTags ?? [])) await docker!.json("DELETE", `/images/${tag}`);
}
