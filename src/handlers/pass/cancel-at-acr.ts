import { messageOf, TransientError } from "../../errors.ts";
import type { Pass } from "./pass.ts";

/** Asks once a pass; whether it was heeded shows when the run is looked at again. */
export async function cancelAtAcr(pass: Pass, acrRunId: string): Promise<void> {
  if (pass.cancelled.has(acrRunId)) return;
  pass.cancelled.add(acrRunId);
  try {
    await pass.ports.acr.cancelRun(acrRunId);
  } catch (error) {
    if (error instanceof TransientError) throw error;
    // It may just have ended; the next look at the run tells.
    pass.ports.log("cancel refused", { acrRunId, why: messageOf(error) });
  }
}
