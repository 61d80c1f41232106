/** Three families of failure, classified once at the edge where they happen. Expected outcomes are data, not errors. */

/** The outside world failed in a way that may pass: throttling, 5xx, network, a lost write race. Try again later. */
export class TransientError extends Error {
  override readonly name = "TransientError";
  /** Seconds the other side asked us to wait, when it said so. */
  readonly retryAfterSeconds: number | undefined;
  constructor(message: string, options?: { cause?: unknown; retryAfterSeconds?: number }) {
    super(message, { cause: options?.cause });
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }
}

/** The outside world said no and will say no again: record it, tell people, do not retry. */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
  readonly code: string;
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, { cause: options?.cause });
    this.code = code;
  }
}

/** A bug of ours: an invariant that does not hold. Fail loudly. */
export class InternalError extends Error {
  override readonly name = "InternalError";
}

/** What was thrown, in words: what others throw need not be an Error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
