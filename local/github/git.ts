import { spawn } from "node:child_process";
import { devNull } from "node:os";

/** git answered with a non-zero exit code. */
export class GitError extends Error {
  readonly exitCode: number | null;

  constructor(args: readonly string[], exitCode: number | null, stderr: string) {
    const command = args[0] === "--git-dir" ? args[2] : args[0];
    super(`git ${command} ended with ${exitCode}: ${stderr.trim().slice(0, 500)}`);
    this.name = "GitError";
    this.exitCode = exitCode;
  }
}

/**
 * What git sees of our environment: where programs are, and nothing of the person's own settings. A twin must behave the
 * same on every machine, and a `GIT_DIR` left by a hook that started us would point git at the wrong repository.
 */
export function gitEnvironment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: devNull,
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: devNull,
    GIT_TERMINAL_PROMPT: "0",
    // The folder may belong to another user, as a volume mounted into a container does; it is still ours to serve.
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "safe.directory",
    GIT_CONFIG_VALUE_0: "*",
    ...extra,
  };
}

export interface GitOptions {
  input?: string | Buffer;
  env?: Record<string, string>;
  cwd?: string;
}

/** Runs git without a shell and resolves to its output; rejects with GitError on any other exit than 0. */
export function git(args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", args, { cwd: options.cwd, env: gitEnvironment(options.env) });
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(Buffer.concat(out));
      else reject(new GitError(args, code, Buffer.concat(errors).toString()));
    });
    // git may end before it has read everything; its exit code says more than our EPIPE.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input);
  });
}

/** The same inside one bare repository, as text. */
export async function gitIn(gitDir: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  return (await git(["--git-dir", gitDir, ...args], options)).toString("utf8");
}

/** For questions git answers with its exit code: 0 is yes, 1 is no, anything else is thrown. */
export async function gitSays(gitDir: string, args: readonly string[]): Promise<boolean> {
  try {
    await gitIn(gitDir, args);
    return true;
  } catch (error) {
    if (error instanceof GitError && error.exitCode === 1) return false;
    throw error;
  }
}
