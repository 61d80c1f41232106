import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, closeSync, openSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { findTool } from "../../../local/engine/built-in/tool.ts";
import { processes } from "./built-in-world.ts";
import { canSandbox } from "./support.ts";

const script = join(import.meta.dirname, "built-in-story.ts");
const started: { child: ChildProcess; dir: string }[] = [];
afterEach(async () => {
  for (const { child, dir } of started.splice(0)) {
    child.kill("SIGKILL");
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  }
});

/** Starts built-in-story.ts, `by` another program, and waits until it has told all and keeps two containers running. */
async function tell(
  by: (story: string[]) => string[] = (story) => story,
  uid?: number,
): Promise<{ child: ChildProcess; dir: string; output: () => string }> {
  const dir = await mkdtemp(join(tmpdir(), "slipway-story-"));
  if (uid !== undefined) chownSync(dir, uid, uid);
  const [command, ...args] = by([process.execPath, "--import", "tsx", script, dir]);
  const leftOpen = openSync(script, "r");
  const child = spawn(command!, args, {
    // Node itself closes the first few.
    stdio: ["ignore", "pipe", "pipe", ...Array(96).fill("ignore"), leftOpen],
    cwd: join(import.meta.dirname, "../../.."),
  });
  closeSync(leftOpen);
  started.push({ child, dir });
  let output = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (text) => (output += text.replaceAll("\r", "")));
  const lines = () => output.split("\n");
  const done = () => lines().includes("told") && lines().filter((line) => line === "up").length === 2;
  await expect.poll(() => done() || output).toBe(true);
  return { child, dir, output: () => output };
}

function descendants(id: number): number[] {
  const all = processes();
  const found = [id];
  for (const one of found) found.push(...all.filter(({ parent }) => parent === one).map(({ id }) => id));
  return found.slice(1);
}

test.skipIf(!canSandbox)("an engine that is killed leaves nothing running (needs Linux namespaces)", async () => {
  const { child } = await tell();
  const below = descendants(child.pid!);
  const sleepers = () =>
    processes().filter(({ id, command }) => below.includes(id) && command.startsWith("sleep 4711"));
  await expect.poll(() => sleepers().length).toBe(4);
  child.kill("SIGKILL");
  await expect.poll(() => processes().filter(({ id }) => below.includes(id))).toEqual([]);
});

const nobody = 65534;
const canBeNobody = canSandbox && process.getuid?.() === 0 && findTool("setpriv") !== undefined;
test.skipIf(!canBeNobody)("an unprivileged user builds and runs too (needs root, to become one)", async () => {
  const become = [findTool("setpriv")!, `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
  const { dir, output } = await tell((story) => [...become, ...story], nobody);
  expect(output()).toContain("\nsecretfrom the context\nsecond\n127.0.0.1 first\n127.0.0.1 second\n0\n");
  // There are no control groups for such a user.
  expect(output()).toMatch(/Max data size +4294967296 [\s\S]*Max processes +4096 /);
  const folders = () => readdirSync(join(dir, "scratch")).filter((name) => /^(build|run)-/.test(name));
  await expect.poll(() => folders().length).toBe(2);
});

test.skipIf(!canSandbox)(
  "a command gets no file that was left open in the engine (needs Linux namespaces)",
  async () => {
    const { output } = await tell();
    expect(output()).toContain("\nfile 99 is socket\n");
  },
);

test.skipIf(!canSandbox || findTool("script") === undefined)(
  "a command cannot type on the terminal the engine was started from (needs script)",
  async () => {
    const { output } = await tell((story) => [findTool("script")!, "-qec", story.join(" "), "/dev/null"]);
    expect(output()).toContain("\nno terminal\n");
  },
);

test.skipIf(!canSandbox || process.getuid?.() !== 0)(
  "a command has no capability and no group that the engine's own parent handed on (needs root)",
  async () => {
    const more = ["--inh-caps=+sys_admin,+mknod", "--groups=4,5"];
    const { output } = await tell((story) => [findTool("setpriv")!, ...more, ...story]);
    expect(output()).toMatch(/^CapInh:\s0+$/m);
    expect(output()).toMatch(/^CapPrm:\s00000000a00425fb$/m);
    expect(output()).toMatch(/^Groups:\s+0\s*$/m);
  },
);
