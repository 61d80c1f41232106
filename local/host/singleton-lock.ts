import type { BlobLeaseClient, BlobServiceClient } from "@azure/storage-blob";
import { statusOf } from "./storage-status.ts";

const CONTAINER = "azure-webjobs-hosts";
/** After an error that is not "somebody has it", in milliseconds. */
const RETRY = 2_000;

export interface SingletonLockOptions {
  readonly blobs: BlobServiceClient;
  /** `<hostId>/<function>.Listener` for a listener. */
  readonly lockId: string;
  /** Milliseconds: 15 s to 1 min, as for every blob lease. */
  readonly period: number;
  /** Milliseconds between tries while somebody else has it. */
  readonly poll: number;
  readonly onAcquired: () => void;
  /** Somebody else took it after it had lapsed. */
  readonly onLost: (error: unknown) => void;
  readonly onProblem: (error: unknown) => void;
}

/**
 * The real host's singleton: a lease on blob `azure-webjobs-hosts/locks/<lockId>`, renewed when half of it is over, so that
 * of several hosts on one storage one listens (azure-webjobs-sdk, SingletonListener and BlobLeaseDistributedLockManager).
 */
export class SingletonLock {
  readonly #options: SingletonLockOptions;
  readonly #lease: BlobLeaseClient;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #ended = false;
  #held = false;

  constructor(options: SingletonLockOptions) {
    this.#options = options;
    const container = options.blobs.getContainerClient(CONTAINER);
    this.#lease = container.getBlobClient(`locks/${options.lockId}`).getBlobLeaseClient();
  }

  start(): void {
    this.#after(0, () => this.#acquire());
  }

  /** Gives it back, so that another host gets it at its next try. */
  async release(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#work;
    if (this.#held) await this.#lease.releaseLease().catch(this.#options.onProblem);
  }

  #after(milliseconds: number, act: () => Promise<void>): void {
    if (this.#ended) return;
    this.#timer = setTimeout(() => {
      this.#work = act();
    }, milliseconds);
  }

  async #acquire(): Promise<void> {
    const { period, poll, onAcquired, onProblem } = this.#options;
    try {
      await this.#acquireCreating(period / 1000);
    } catch (error) {
      const taken = statusOf(error) === 409;
      if (!taken) onProblem(error);
      this.#after(taken ? poll : Math.min(poll, RETRY), () => this.#acquire());
      return;
    }
    this.#held = true;
    if (this.#ended) return;
    this.#after(period / 2, () => this.#renew());
    onAcquired();
  }

  async #acquireCreating(seconds: number): Promise<void> {
    try {
      await this.#lease.acquireLease(seconds);
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      await createEmpty(this.#options.blobs, this.#options.lockId);
      await this.#lease.acquireLease(seconds);
    }
  }

  async #renew(): Promise<void> {
    try {
      await this.#lease.renewLease();
      this.#after(this.#options.period / 2, () => this.#renew());
    } catch (error) {
      if (statusOf(error) === 409 || statusOf(error) === 404) {
        this.#held = false;
        this.#options.onLost(error);
        return;
      }
      this.#options.onProblem(error);
      this.#after(RETRY, () => this.#renew());
    }
  }
}

async function createEmpty(blobs: BlobServiceClient, lockId: string): Promise<void> {
  const container = blobs.getContainerClient(CONTAINER);
  await container.createIfNotExists();
  try {
    await container.getBlockBlobClient(`locks/${lockId}`).upload("", 0, { conditions: { ifNoneMatch: "*" } });
  } catch (error) {
    // 409 and 412: another host was quicker.
    if (statusOf(error) !== 409 && statusOf(error) !== 412) throw error;
  }
}
