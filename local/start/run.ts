import { join, relative } from "node:path";
import { openScreen } from "../screen/screen.ts";
import { Board } from "./board.ts";
import { bringUp, type Parts } from "./bring-up.ts";
import type { StartFlags } from "./flags.ts";
import { type Ending, followProduct } from "./follow-product.ts";
import { PidFile } from "./pid-file.ts";
import { removeState } from "./remove-state.ts";
import { stopRequest } from "./stop-request.ts";

export const pidName = "start.pid";

/** Brings everything up, shows it until it is done or somebody wants it to stop, and takes it down. Returns the exit code. */
export async function run(flags: StartFlags, root: string): Promise<number> {
  const stop = stopRequest();
  const pidFile = new PidFile(join(flags.dir, pidName));
  const other = await becomeTheOne(pidFile);
  if (other !== undefined) {
    process.stderr.write(alreadyRunning(flags.dir, other));
    return 1;
  }
  const board = new Board(openScreen(process.stdout, process.env), { startedAt: Date.now(), once: flags.once });
  let parts: Parts | undefined;
  try {
    if (flags.fresh) await removeState(flags.dir, pidName);
    parts = await bringUp({ flags, root, pidFile, board });
    const ending = await followProduct(parts, { flags, board, stop });
    board.close();
    await parts.takeDown();
    process.stdout.write(lastWords(ending, flags));
    return exitCode(ending, flags);
  } catch (error) {
    board.close();
    await parts?.takeDown();
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  } finally {
    pidFile.release();
  }
}

export function alreadyRunning(dir: string, pid: number): string {
  return `Already running in ${dir}: process id ${pid}. Stop that one, or use --dir.\n`;
}

/** Waits for what a killed start left, then claims the folder. Returns the pid of whoever has it already. */
export async function becomeTheOne(pidFile: PidFile): Promise<number | undefined> {
  const running = pidFile.runningPid();
  if (running !== undefined) return running;
  await pidFile.waitForLeftBehind((name, pid) => {
    process.stdout.write(`An earlier start was killed; waiting for its ${name} (process id ${pid}) to end.\n`);
  });
  return pidFile.claim();
}

function lastWords(ending: Ending, { dir }: StartFlags): string {
  if (ending.kind === "settled") return `\n${[...ending.verdict.lines, ...ending.verdict.failures].join("\n")}\n`;
  const fromHere = relative(process.cwd(), dir);
  const here = fromHere.startsWith("..") ? dir : fromHere;
  if (ending.kind === "stuck") return `\nNothing has moved for ${ending.seconds} s; see ${join(here, "host.log")}\n`;
  return `\nStopped (${ending.request.why}). Everything is kept in ${here}; npm start goes on where it was.\n`;
}

function exitCode(ending: Ending, { once }: StartFlags): number {
  if (ending.kind === "settled") return ending.verdict.failures.length > 0 ? 1 : 0;
  if (ending.kind === "stuck") return 1;
  // Ctrl-C is how the command that stays is meant to end; the one that ends by itself was not done.
  return once ? ending.request.exitCode : 0;
}
