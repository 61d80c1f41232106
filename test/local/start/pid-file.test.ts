import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PidFile } from "../../../local/start/pid-file.ts";
import { processStart } from "../../../local/start/process-start.ts";
import { removeState } from "../../../local/start/remove-state.ts";
import { startTwin } from "../../../local/twin.ts";
import { makeDeep } from "../make-deep.ts";

let dir: string;
let path: string;
const sleepers: ChildProcess[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "slipway-pid-"));
  path = join(dir, "start.pid");
});
afterEach(() => {
  for (const sleeper of sleepers.splice(0)) sleeper.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true });
});

function sleeper(): number {
  const child = spawn("sleep", ["60"]);
  sleepers.push(child);
  return child.pid!;
}

function write(pid: number, startedAt = processStart(pid) ?? "", children = {}): void {
  writeFileSync(path, JSON.stringify({ pid, startedAt, children }));
}

test("a folder that nobody runs is claimed and given back", () => {
  const file = new PidFile(path);
  expect(file.claim()).toBeUndefined();
  expect(JSON.parse(readFileSync(path, "utf8")).pid).toBe(process.pid);
  expect(file.runningPid()).toBeUndefined();
  file.release();
  expect(() => readFileSync(path)).toThrow();
});

test("one that runs is named, and its file left alone", () => {
  const pid = sleeper();
  write(pid);
  expect(new PidFile(path).runningPid()).toBe(pid);
  expect(new PidFile(path).claim()).toBe(pid);
  expect(JSON.parse(readFileSync(path, "utf8")).pid).toBe(pid);
});

test.each(["{ half", "{}"])("a file with %s counts for nothing", (text) => {
  writeFileSync(path, text);
  expect(new PidFile(path).claim()).toBeUndefined();
});

test("a pid that is another process's by now counts for nothing", () => {
  write(sleeper(), "12345");
  expect(new PidFile(path).claim()).toBeUndefined();
});

test("a process that has ended counts for nothing", async () => {
  const pid = sleeper();
  write(pid);
  sleepers[0]!.kill("SIGKILL");
  await once(sleepers[0]!, "exit");
  expect(new PidFile(path).claim()).toBeUndefined();
});

test("waits for what a killed start left behind, and for nothing else", async () => {
  const pid = sleeper();
  const left = { pid, startedAt: processStart(pid) };
  write(1, "12345", { host: left, other: { pid: process.pid, startedAt: "12345" } });
  const waited: string[] = [];
  let over = false;
  const waiting = new PidFile(path)
    .waitForLeftBehind((name) => waited.push(name))
    .then(() => {
      over = true;
    });
  expect(waited).toEqual(["host"]);
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(over).toBe(false);
  sleepers[0]!.kill("SIGKILL");
  await waiting;
});

test("a start whose port is taken leaves nothing behind, so that the next one may start over", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  await expect(startTwin({ dir, appDir: dir, ports: { functions: port } })).rejects.toThrow(
    `port ${port} for functions is taken; free it, or name another`,
  );
  expect(readdirSync(dir)).toEqual([]);
  other.close();
});

test("starting over empties a folder of ours, whatever runs have left there, and refuses any other", async () => {
  writeFileSync(path, "");
  writeFileSync(join(dir, "thesis.tex"), "");
  await expect(removeState(dir, "start.pid")).rejects.toThrow(/does not look like/);
  expect(readFileSync(join(dir, "thesis.tex"), "utf8")).toBe("");
  writeFileSync(join(dir, "ports.json"), "{}");
  mkdirSync(join(dir, "acr"));
  makeDeep(join(dir, "acr"));
  await removeState(dir, "start.pid");
  expect(() => readFileSync(join(dir, "thesis.tex"))).toThrow();
  expect(readFileSync(path, "utf8")).toBe("");
  await removeState(dir, "start.pid");
  await removeState(join(dir, "nowhere"), "start.pid");
});
