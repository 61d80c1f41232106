import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import type { RunLimits } from "./limits.ts";
import { StepFailure } from "./step-failure.ts";

/** Looks at a run's folder again and again, and calls once when there is more in it than a run may have. */
export function watchDisk(dir: string, limits: RunLimits, full: (failure: StepFailure) => void): { stop(): void } {
  let stopped = false;
  let timer: NodeJS.Timeout;
  const look = async () => {
    const bytes = await bytesOnDisk(dir, limits.diskBytes);
    if (stopped) return;
    if (bytes > limits.diskBytes) {
      full(new StepFailure(`no space left on device: this run holds more than ${limits.diskBytes} bytes on disk`));
    } else {
      timer = setTimeout(look, limits.diskCheckMs);
    }
  };
  timer = setTimeout(look, limits.diskCheckMs);
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** What is taken from the disk, holes in files not counted, empty files a little; never counts far beyond `most`. */
async function bytesOnDisk(dir: string, most: number): Promise<number> {
  let bytes = 0;
  // What vanishes while we look is no failure.
  const entries = await opendir(dir).catch(() => undefined);
  if (!entries) return 0;
  for await (const entry of entries) {
    const path = join(dir, entry.name);
    const found = await lstat(path).catch(() => undefined);
    bytes += Math.max((found?.blocks ?? 0) * 512, 512);
    if (found?.isDirectory()) bytes += await bytesOnDisk(path, most - bytes);
    if (bytes > most) break;
  }
  return bytes;
}
