import type { FaultAction } from "./faults.ts";

/** ARM's throttling, with Retry-After or without: SDKs behave differently on the two. */
export function throttled(retryAfterSeconds?: number): FaultAction {
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { "Retry-After": String(retryAfterSeconds) };
  const message = "The request was rejected due to request throttling";
  return { kind: "refuse", answer: { status: 429, code: "TooManyRequests", message, headers } };
}

const internal = { code: "InternalServerError", message: "Encountered internal server error." };

export function serverError(status = 500): FaultAction {
  return { kind: "refuse", answer: { status, ...internal } };
}

/** The request took effect and the caller is told it failed. */
export function serverErrorAfterEffect(status = 500): FaultAction {
  return { kind: "do-then-answer", answer: { status, ...internal } };
}

/** The request took effect and the connection broke before the answer. */
export const lostReply: FaultAction = { kind: "cut", when: "after" };

export const brokenConnection: FaultAction = { kind: "cut", when: "before" };

/** The caller's identity has no role for this; wording as ARM answers it. */
export function authorizationFailed(action: string, scope: string): FaultAction {
  const message =
    "The client does not have authorization to perform action " +
    `'Microsoft.ContainerRegistry/registries/${action}' over scope '${scope}' or the scope is invalid. ` +
    "If access was recently granted, please refresh your credentials.";
  return { kind: "refuse", answer: { status: 403, code: "AuthorizationFailed", message } };
}

/** How a subscription on free credit is turned away. The HTTP status has not been seen; 403 is our choice. */
export function tasksNotAllowed(registry: string, subscriptionId: string): FaultAction {
  const message =
    `ACR Tasks requests for the registry ${registry} and ${subscriptionId} are not permitted. ` +
    "Please file an Azure support request at http://aka.ms/azuresupport for further assistance.";
  return { kind: "refuse", answer: { status: 403, code: "TasksOperationsNotAllowed", message } };
}

export const stuckInQueue: FaultAction = { kind: "hold" };

export function endsAs(status: "Error" | "Timeout" | "Failed", message = `run ended as ${status}`): FaultAction {
  return { kind: "end", status, message };
}
