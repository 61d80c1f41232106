import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Azurite's well-known account, the same everywhere and no secret: https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key */
const ACCOUNT_NAME = "devstoreaccount1";
const ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

export interface AzuriteOptions {
  /** Folder to persist in; in memory when absent. */
  readonly location?: string;
  /** Any free ports when absent. */
  readonly ports?: { readonly blob: number; readonly queue: number; readonly table: number };
}

export interface RunningAzurite {
  readonly connectionString: string;
  /** With the account name, without a trailing slash. */
  readonly blobUrl: string;
  readonly queueUrl: string;
  readonly tableUrl: string;
  readonly pid: number;
  /** Settles when Azurite has saved and ended. */
  stop(): Promise<void>;
}

type Message = { ready: { blob: string; queue: string; table: string } } | { error: string };

const PROCESS = fileURLToPath(new URL("./azurite-process.ts", import.meta.url));
const FLAGS = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"];

/**
 * Starts Azurite on loopback. With a location, what it acknowledged survives the death of this process, SIGKILL included,
 * and a start right after waits until the earlier Azurite has saved.
 */
export async function startAzurite(options: AzuriteOptions = {}): Promise<RunningAzurite> {
  const { blob, queue, table } = options.ports ?? { blob: 0, queue: 0, table: 0 };
  const storage =
    options.location === undefined ? ["--inMemoryPersistence"] : ["--location", resolve(options.location)];
  const ports = ["--blobPort", String(blob), "--queuePort", String(queue), "--tablePort", String(table)];
  // tsx for this folder's ES modules only: its hook for CommonJS would double the time Azurite takes to load.
  const child = spawn(
    process.execPath,
    ["--import", import.meta.resolve("tsx/esm"), PROCESS, ...FLAGS, ...storage, ...ports],
    {
      // Its own session: a Ctrl-C for the parent's process group must not take it down before the others.
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    },
  );
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const urls = await whenReady(child);
  const [blobUrl, queueUrl, tableUrl] = [urls.blob, urls.queue, urls.table].map((url) => `${url}/${ACCOUNT_NAME}`) as [
    string,
    string,
    string,
  ];
  return {
    connectionString: [
      "DefaultEndpointsProtocol=http",
      `AccountName=${ACCOUNT_NAME}`,
      `AccountKey=${ACCOUNT_KEY}`,
      `BlobEndpoint=${blobUrl}`,
      `QueueEndpoint=${queueUrl}`,
      `TableEndpoint=${tableUrl}`,
    ].join(";"),
    blobUrl,
    queueUrl,
    tableUrl,
    pid: child.pid as number,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      await ended;
    },
  };
}

function whenReady(child: ChildProcess): Promise<{ blob: string; queue: string; table: string }> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      reject(new Error(`Azurite ended before it was ready (${signal ?? `exit code ${code}`})`)),
    );
    child.on("message", (message: Message) => {
      if ("ready" in message) resolve(message.ready);
      else reject(new Error(`start Azurite: ${message.error}`));
    });
  });
}
