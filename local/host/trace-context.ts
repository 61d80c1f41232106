import { randomBytes } from "node:crypto";

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const INVALID = /^0+$/;

/** A W3C traceparent for one invocation: continues the caller's trace when it sent a valid one, else begins a trace. */
export function traceParentFrom(incoming: string | undefined): string {
  const match = TRACEPARENT.exec(incoming ?? "");
  const span = randomBytes(8).toString("hex");
  if (match?.[1] && match[2] && !INVALID.test(match[1]) && !INVALID.test(match[2]))
    return `00-${match[1]}-${span}-${match[3]}`;
  return `00-${randomBytes(16).toString("hex")}-${span}-00`;
}
