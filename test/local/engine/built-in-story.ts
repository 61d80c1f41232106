import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BuiltInEngine } from "../../../local/engine/built-in/built-in-engine.ts";
import { pushShellBase } from "../../../local/engine/shell-base.ts";
import { startRegistry } from "../../../local/registry/registry.ts";

/** A process of its own for built-in-alone.test.ts: builds, runs, prints what it saw, and stays with two containers running. */
const dir = process.argv[2]!;
const registry = await startRegistry({ dir: join(dir, "registry") });
await pushShellBase(registry.store);
const engine = new BuiltInEngine(registry, join(dir, "scratch"));
const context = join(dir, "context");
await mkdir(join(context, "closed"), { recursive: true });
await writeFile(join(context, "closed/file"), "from the context");
await writeFile(join(dir, "key"), "secret");
await writeFile(
  join(context, "Dockerfile"),
  [
    `FROM ${registry.loginServer}/local/shell:1`,
    "COPY --chmod=500 closed /closed",
    "RUN --mount=type=secret,id=key --mount=type=cache,target=/cache --mount=type=bind,target=/context " +
      "cat /run/secrets/key /context/closed/file > /cache/seen && cp /cache/seen /seen && mkdir -m 0 /none",
  ].join("\n"),
);
const log = (text: string) => process.stdout.write(text);
const { signal } = new AbortController();
const tag = `${registry.loginServer}/story:1`;
const request = {
  contextDir: context,
  dockerfile: "Dockerfile",
  tags: [tag],
  buildArgs: {},
  labels: {},
  noCache: true,
};
await engine.build({ ...request, secrets: { key: join(dir, "key") } }, log, signal);
await engine.push(tag, log, signal);
const network = await engine.createNetwork();
const container = { reference: tag, env: [], network };
const stay = ["sh", "-c", "echo up; sleep 4711 & sleep 4711"];
/** Until it has said "up", lest that lands in the middle of what the next one prints. */
const isUp = (run: Parameters<typeof engine.run>[0]) =>
  new Promise<void>((resolve) => {
    const heard = (text: string) => {
      log(text);
      if (text.includes("up")) resolve();
    };
    void engine.run(run, heard, signal);
  });
await isUp({ ...container, args: stay, hostName: "first" });
await isUp({ reference: tag, env: [], args: stay });
const look = [
  "sh",
  "-c",
  "echo; cat /seen; echo; uname -n; tail -n 2 /etc/hosts | sort; id -u; grep -E 'processes|data' /proc/self/limits;" +
    "grep -E 'Cap|Groups' /proc/self/status; echo file 99 is $(readlink /proc/self/fd/99 | cut -d : -f 1);" +
    "(echo > /dev/tty) 2> /dev/null || echo no terminal; echo told",
];
const mounts = [{ hostPath: context, containerPath: "/context", readOnly: true }];
await engine.run({ ...container, args: look, hostName: "second", mounts }, log, signal);
