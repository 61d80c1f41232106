import { mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Who works in a folder. `startedAt` tells a process from a later one with the same pid, where the system says so. */
interface Holder {
  readonly pid: number;
  readonly parent: number;
  readonly startedAt: string;
}

/** A holder that has lost its parent is on its way out; one whose parent lives is in use. */
const WAIT_FOR_LEAVING = 60_000;
const WAIT_IN_USE = 2_000;
const POLL = 50;

/**
 * Takes `<dir>/azurite.pid` for this process, waiting for an earlier holder that is still saving. Two Azurites in one folder
 * would overwrite each other's files. Returns what gives the folder back.
 */
export async function lockLocation(dir: string): Promise<() => void> {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, "azurite.pid");
  const mine = JSON.stringify({
    pid: process.pid,
    parent: process.ppid,
    startedAt: startOf(process.pid),
  } satisfies Holder);
  const started = Date.now();
  for (;;) {
    if (tryCreate(path, mine)) return () => unlinkSync(path);
    const text = readText(path);
    const holder = text === undefined ? undefined : parseHolder(text);
    if (text !== undefined && !(holder && isAlive(holder.pid, holder.startedAt))) {
      removeIfUnchanged(path, text);
      continue;
    }
    const waited = Date.now() - started;
    const patience = holder && isAlive(holder.parent) ? WAIT_IN_USE : WAIT_FOR_LEAVING;
    if (waited > patience) throw new Error(`${dir} is in use by Azurite with process id ${holder?.pid ?? "unknown"}`);
    await delay(POLL);
  }
}

function tryCreate(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return undefined;
  }
}

/** Moves the dead holder's file away first: another starter may have replaced it between the reading and now. */
function removeIfUnchanged(path: string, text: string): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const moved = readText(aside) ?? "";
  unlinkSync(aside);
  if (moved !== text) tryCreate(path, moved);
}

function isAlive(pid: number, startedAt = ""): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const now = procStat(pid);
  // A zombie answers kill 0 but does nothing any more.
  if (now?.state === "Z") return false;
  return startedAt === "" || !now || now.startedAt === startedAt;
}

function startOf(pid: number): string {
  return procStat(pid)?.startedAt ?? "";
}

/** Fields 3 and 22 of Linux's /proc/<pid>/stat (proc(5)); undefined on other systems. */
function procStat(pid: number): { state: string; startedAt: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name, in parentheses, may contain spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", startedAt: fields[19] ?? "" };
  } catch {
    return undefined;
  }
}
