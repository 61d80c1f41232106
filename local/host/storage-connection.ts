import { createRequire } from "node:module";
import type { BlobServiceClient } from "@azure/storage-blob";
import type { QueueServiceClient, StoragePipelineOptions } from "@azure/storage-queue";

// Loaded when first needed, and not by import: tsx takes half a second longer over the SDK's many ES modules.
const require = createRequire(import.meta.url);
const queueSdk = () => require("@azure/storage-queue") as typeof import("@azure/storage-queue");
const blobSdk = () => require("@azure/storage-blob") as typeof import("@azure/storage-blob");

const DEFAULT_CONNECTION = "AzureWebJobsStorage";

/**
 * The connection string a binding's `connection: "X"` stands for: setting `X`, else `AzureWebJobsX`; nothing means
 * AzureWebJobsStorage. Identity-based connections (`X__queueServiceUri`) are refused: Azurite takes no Entra token over http.
 */
export function connectionString(name: string | undefined, env: NodeJS.ProcessEnv): string {
  const setting = name || DEFAULT_CONNECTION;
  const value = env[setting] ?? env[`AzureWebJobs${setting}`];
  if (value) return value;
  const identity = Object.keys(env).find(
    (key) => key.startsWith(`${setting}__`) || key.startsWith(`AzureWebJobs${setting}__`),
  );
  if (identity) {
    throw new Error(
      `connection ${setting}: the local host needs a connection string; ${identity} (identity-based) is not supported`,
    );
  }
  throw new Error(`connection ${setting}: there is no app setting of that name`);
}

/** One attempt for reads in a loop that backs off by itself, quick retries for writes that must not be lost lightly. */
const POLLING: StoragePipelineOptions = { retryOptions: { maxTries: 1 } };
const SENDING: StoragePipelineOptions = {
  retryOptions: { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 1_000 },
};

export interface QueueAccount {
  readonly polling: QueueServiceClient;
  readonly sending: QueueServiceClient;
}

/** Clients by connection, made once per connection string. */
export class StorageConnections {
  readonly #env: NodeJS.ProcessEnv;
  readonly #queues = new Map<string, QueueAccount>();

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  queues(connection: string | undefined): QueueAccount {
    const text = connectionString(connection, this.#env);
    let account = this.#queues.get(text);
    if (!account) {
      const { QueueServiceClient } = queueSdk();
      account = {
        polling: QueueServiceClient.fromConnectionString(text, POLLING),
        sending: QueueServiceClient.fromConnectionString(text, SENDING),
      };
      this.#queues.set(text, account);
    }
    return account;
  }

  blobs(connection?: string): BlobServiceClient {
    return blobSdk().BlobServiceClient.fromConnectionString(connectionString(connection, this.#env), SENDING);
  }
}
