import type { Answer } from "../faults.ts";

/** An answer other than success. Both ARM and ACR wrap it as `{error: {code, message, target, details}}`. */
export class ArmError extends Error {
  override readonly name = "ArmError";
  readonly answer: Answer;

  constructor(status: number, code: string, message: string, more: Pick<Answer, "headers" | "target"> = {}) {
    super(message);
    this.answer = { status, code, message, ...more };
  }
}

export function errorResponse({ status, code, message, headers, target }: Answer): Response {
  // Seen with `details: null`, which trips clients that expect a list.
  const body = JSON.stringify({ error: { code, message, target: target ?? null, details: null } });
  return new Response(body, { status, headers: { "Content-Type": "application/json; charset=utf-8", ...headers } });
}

export function badRequest(message: string): ArmError {
  return new ArmError(400, "InvalidRequestContent", message);
}

export function notFound(message: string): ArmError {
  return new ArmError(404, "ResourceNotFound", message);
}
