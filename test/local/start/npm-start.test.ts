/** The command people type, as they type it. The bundle is built by the command itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findSandbox } from "../../../local/engine/built-in/sandbox.ts";
import { processStart } from "../../../local/start/process-start.ts";

const root = resolve(import.meta.dirname, "../../..");
const probe = mkdtempSync(join(tmpdir(), "slipway-probe-"));
const canRun = !("impossible" in (await findSandbox(probe)));
rmSync(probe, { recursive: true });
const images = ["base", "runtime", "tools", "assets", "app"];

interface Recorded {
  readonly pid: number;
  readonly startedAt: string;
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output(): string;
}

let dir: string;
const started: Started[] = [];
/** Every process that start.pid named while it was there. */
const recorded = new Map<number, string>();

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "slipway-start-"));
  recorded.clear();
});
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill("SIGTERM");
    await ended;
  }
  rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

function start(...flags: string[]): Started {
  const args = ["--import", "tsx", "local/start.ts", "--dir", dir, "--port", "0", "--engine", "built-in", ...flags];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout!.setEncoding("utf8").on("data", (part) => (text += part));
  child.stderr!.setEncoding("utf8").on("data", (part) => (text += part));
  const ended = once(child, "close").then(([code]) => code as number | null);
  const one = { child, ended, output: () => text };
  started.push(one);
  return one;
}

function record(): void {
  try {
    const file = JSON.parse(readFileSync(join(dir, "start.pid"), "utf8")) as Recorded & {
      children: Record<string, Recorded>;
    };
    for (const { pid, startedAt } of [file, ...Object.values(file.children)]) recorded.set(pid, startedAt);
  } catch {
    // Not there yet, or no more.
  }
}

/** Until the command has ended, or has said what is waited for. */
async function follow(one: Started, until?: RegExp): Promise<number | null | undefined> {
  for (;;) {
    record();
    if (until?.test(one.output())) return undefined;
    const code = await Promise.race([one.ended, delay(50, undefined)]);
    if (code !== undefined) return code;
  }
}

function alive(): number[] {
  return [...recorded].filter(([pid, startedAt]) => processStart(pid) === startedAt).map(([pid]) => pid);
}

async function noneAlive(): Promise<void> {
  for (let i = 0; i < 200 && alive().length > 0; i += 1) await delay(50);
  expect(alive()).toEqual([]);
}

function ledger(): { kind: string; network?: string }[] {
  const lines = readFileSync(join(dir, "acr/ledger.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

function finalLines(output: string): string[] {
  return output.split("\n").filter((line) => /^\w+ +main +Succeeded +sha256:[0-9a-f]{64}$/.test(line));
}

test.skipIf(!canRun)(
  "--once lets no second one in, goes on with what was open after it was killed, asks ACR for no run twice, and leaves nothing running (needs namespaces)",
  { timeout: 240_000 },
  async () => {
    const first = start("--once");
    await follow(first, /received push/);
    const second = start("--once");
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`process id ${first.child.pid}`);
    // ACR has said that it runs: what happens to a call whose answer was lost is test/chaos's business, and takes longer.
    await follow(first, /base +local-1 +(Queued|Started|Running)/);
    first.child.kill("SIGKILL");
    await first.ended;

    const again = start("--once");
    expect(await follow(again), again.output()).toBe(0);
    expect(again.output()).toMatch(/resumed: \d+ runs? (was|were) open/);
    expect(finalLines(again.output()).map((line) => line.split(" ")[0])).toEqual(images);
    expect(again.output()).toMatch(/on GitHub: slipway\/app success/);
    // The network's name is `slipway-<run>-<attempt>`.
    const attempts = ledger().flatMap(({ kind, network }) => (kind === "run-scheduled" ? [network] : []));
    expect(new Set(attempts).size).toBe(attempts.length);
    expect(new Set(attempts.map((name) => name?.replace(/-\d+$/, ""))).size).toBe(images.length);
    // The start, its host and its Azurite, of both.
    expect(recorded.size).toBe(6);
    await noneAlive();
  },
);

test("an unknown flag: what is wrong, the usage, exit code 2", async () => {
  const one = start("--onec");
  expect(await one.ended).toBe(2);
  expect(one.output()).toMatch(/--onec[\s\S]*--once/);
});
