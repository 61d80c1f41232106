import type { SkipReason } from "../plan/reason.ts";

/** What an image's own files, definition and bases did: built again from the same, it would end the same. */
const inputFaults = [
  "build-failed",
  "timed-out",
  "no-output",
  "base-not-found",
  "value-refused",
  "context-missing",
  "context-too-large",
  "dockerfile-missing",
  "dockerfile-invalid",
  "unsafe-path",
] as const;
export type InputFault = (typeof inputFaults)[number];

/** What ACR, GitHub or Slipway did to it. */
export type OutsideFault = "acr-refused" | "acr-error" | "acr-run-gone" | "gave-up" | "internal";

/** Why a run ended. Closed; a skipped run has the reason why nothing was built. */
export type EndCode = "succeeded" | "superseded" | "canceled" | InputFault | OutsideFault | SkipReason;

export function isInputFault(code: string): code is InputFault {
  return inputFaults.some((fault) => fault === code);
}
