import { InternalError, PermanentError, TransientError } from "../errors.ts";
import { redact, safeCause } from "../redact.ts";
import { parseRetryAfter } from "../retry-after.ts";
import { ErrorAnswer } from "./schema.ts";

/** A response that was no success, as far as anyone needs it. */
export interface Refusal {
  readonly status: number;
  /** ARM's own, such as `AuthorizationFailed`; `Http400` when the body names none. */
  readonly code: string;
  readonly message: string;
  readonly retryAfterSeconds: number | undefined;
}

interface Answer {
  readonly status: number;
  readonly bodyAsText?: string | null;
  readonly headers: { get(name: string): string | undefined };
}

const messageLimit = 1000;

/** Reads both of ARM's error dialects; anything else keeps its status only. */
export function readRefusal(answer: Answer): Refusal {
  const parsed = ErrorAnswer.safeParse(parseJson(answer.bodyAsText ?? ""));
  const body = parsed.success ? parsed.data : undefined;
  const details = (body?.details ?? []).map((detail) => detail?.message).filter((message) => Boolean(message));
  const message = [body?.message, ...details].filter((part) => Boolean(part)).join("; ");
  return {
    status: answer.status,
    code: body?.code || `Http${answer.status}`,
    message: redact(message || `answered ${answer.status}`).slice(0, messageLimit),
    retryAfterSeconds: parseRetryAfter(answer.headers.get("retry-after"), Date.now()),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Thrown by the client for every answer that is no success, so that whoever asked can still tell a 404 from a 429. */
export class ArmRefusal extends Error {
  override readonly name = "ArmRefusal";
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(`${refusal.status} ${refusal.code}: ${refusal.message}`);
    this.refusal = refusal;
  }
}

/** Sorts by status, never by message: 408, 429 and 5xx may pass; other refusals will not; no answer at all may pass. */
export function classifyArmFailure(act: string, error: unknown): Error {
  if (error instanceof TransientError || error instanceof PermanentError || error instanceof InternalError)
    return error;
  if (!(error instanceof ArmRefusal)) return new TransientError(`${act}: no answer`, { cause: safeCause(error) });
  const { status, code, message, retryAfterSeconds } = error.refusal;
  const sentence = `${act}: ARM answered ${status} ${code}: ${message}`;
  if (status === 408 || status === 429 || status >= 500) return new TransientError(sentence, { retryAfterSeconds });
  return new PermanentError(code, sentence);
}
