import { Session } from "node:inspector/promises";

export interface BlockCounter {
  /** How many blocks (loop bodies, branches, calls) of files in the folder were executed since the last time. */
  take(): Promise<number>;
  stop(): void;
}

/**
 * Counts the work of our own source exactly, through V8's block coverage, instead of by the clock. Only code compiled after
 * this call is counted block by block, so import what is to be measured afterwards. Work inside built-ins is not counted,
 * nor is some of it in optimized code, so this refuses to run where V8 optimizes.
 */
export async function countBlocks(folder: string): Promise<BlockCounter> {
  for (const flag of ["--no-opt", "--no-maglev"]) {
    if (!process.execArgv.includes(flag))
      throw new Error(`Blocks are counted exactly only by node ${flag}; see vitest.config.ts`);
  }
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  return {
    async take() {
      const { result } = await session.post("Profiler.takePreciseCoverage");
      return result
        .filter((script) => script.url.includes(folder))
        .flatMap((script) => script.functions.flatMap((each) => each.ranges))
        .reduce((sum, range) => sum + range.count, 0);
    },
    stop: () => session.disconnect(),
  };
}
