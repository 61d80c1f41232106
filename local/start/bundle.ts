import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface BundleWatch {
  /** Settles with the first good bundle. */
  readonly first: Promise<void>;
  stop(): void;
}

/** Builds dist/main.cjs as for Azure, in a process of its own; rejects with what is wrong with the source. */
export async function buildBundle(root: string): Promise<void> {
  const child = startBuild(root, []);
  const problems = gather(child);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`src does not build:\n${problems().trim()}`);
}

/** Builds again after every change of src. `onRebuilt` is told of bundles after the first that differ from the last. */
export function watchBundle(
  root: string,
  tell: { readonly onRebuilt: () => void; readonly onProblem: (text: string) => void },
): BundleWatch {
  const child = startBuild(root, ["--watch"]);
  let last = "";
  const first = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => reject(new Error("the watching build has ended")));
    createInterface({ input: child.stdout! }).on("line", (line) => {
      if (line === last) return;
      if (last !== "") tell.onRebuilt();
      last = line;
      resolve();
    });
  });
  first.catch(() => {});
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    const problem = /\[ERROR\] (.+)/.exec(text)?.[1];
    if (problem) tell.onProblem(problem);
  });
  return { first, stop: () => child.stdin!.end() };
}

function startBuild(root: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ["scripts/build.mjs", ...args], { cwd: root, stdio: ["pipe", "pipe", "pipe"] });
}

function gather(child: ChildProcess): () => string {
  let text = "";
  child.stderr!.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  child.stdout!.resume();
  return () => text;
}
