import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { type GitHubOptions, type LocalGitHub, startGitHub } from "../../../local/github/start-github.ts";

/** Runs when the test ends, last registered first. */
export const atEnd = onTestFinished;

export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "slipway-github-"));
  atEnd(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

/** One key for all twins of a test process: making one takes longer than most tests. */
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs1", format: "pem" });

/** A GitHub that ends with the test. */
export async function gitHub(options: Partial<GitHubOptions> = {}): Promise<LocalGitHub> {
  const dir = options.dir ?? temporaryDir();
  const keyFile = join(dir, "app.private-key.pem");
  if (!existsSync(keyFile)) writeFileSync(keyFile, key);
  const github = await startGitHub({ app: { id: 4242 }, ...options, dir });
  atEnd(() => github.close());
  return github;
}

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  // biome-ignore lint/suspicious/noExplicitAny: payloads are looked into field by field
  payload: any;
}

export interface Receiver {
  url: string;
  received: Received[];
  /** Push events only: a hook's first event is a ping. */
  pushes(): Received[];
  /** What the next requests are answered; null hangs. */
  answer: { status: number | null };
}

/** A webhook's other end. */
export async function receiver(): Promise<Receiver> {
  const received: Received[] = [];
  const answer: Receiver["answer"] = { status: 202 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      received.push({ path: request.url ?? "", headers: request.headers, body, payload: JSON.parse(body) });
      // Where a redirect would lead: nobody is to go there.
      if (answer.status !== null) response.writeHead(answer.status, { location: "/followed" }).end("seen");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    pushes: () => received.filter(({ headers }) => headers["x-github-event"] === "push"),
    answer,
  };
}

const run = promisify(execFile);

/** The person's own git, with an identity and none of the machine's settings. Resolves to its trimmed output. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const person = "7+octo@users.noreply.github.com";
  const { stdout } = await run("git", args, {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: devNull,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: devNull,
      GIT_TERMINAL_PROMPT: "0",
      GIT_AUTHOR_NAME: "Octo",
      GIT_AUTHOR_EMAIL: person,
      GIT_COMMITTER_NAME: "Octo",
      GIT_COMMITTER_EMAIL: person,
    },
  });
  return stdout.trim();
}

/** Asks the API and parses JSON; headers may carry `authorization`. */
export async function api(github: LocalGitHub, path: string, init: RequestInit = {}) {
  const response = await fetch(github.apiUrl + path, init);
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: bodies are looked into field by field
  const body: any = text === "" ? undefined : JSON.parse(text);
  return { status: response.status, headers: response.headers, body };
}
