/**
 * One pass over one registry: fold what has arrived, look at what ACR does, release what may go. Level-triggered: whatever
 * was missed, the next pass sees what is. It is the only writer of runs, tracks and edges, so limits, superseding and
 * waves are decided in one place. Running it twice, or stopping it anywhere and running it again, leaves the same state.
 */
import { keys } from "../core/state/keys.ts";
import { queueNames } from "../ports.ts";
import { LeaseLost, takeLease, type Wake } from "./lease.ts";
import type { Nudge } from "./messages.ts";
import { advanceLive } from "./pass/advance-live.ts";
import { foldInbox } from "./pass/fold-inbox.ts";
import { nextNudge } from "./pass/next-nudge.ts";
import { Pass, type ReconcilePorts } from "./pass/pass.ts";
import { releaseReady } from "./pass/release-ready.ts";

export async function reconcileRegistry(message: Nudge, ports: ReconcilePorts): Promise<void> {
  const taken = await takeLease(ports, ports.registry.partition, ports.newId(), message.nudge);
  if (taken.kind === "dropped") {
    ports.log("nudge dropped", { registry: ports.registry.alias, why: taken.why });
    return;
  }
  try {
    await runPass(new Pass(ports, taken.lease));
  } catch (error) {
    if (!(error instanceof LeaseLost)) {
      await taken.lease.letGo();
      throw error;
    }
    ports.log("pass stopped: lease lost", { registry: ports.registry.alias });
  }
}

async function runPass(pass: Pass): Promise<void> {
  const { rows, registry } = pass.ports;
  for (;;) {
    const wake = await rows.read(registry.partition, keys.wake);
    do {
      pass.progressed = false;
      const folded = await foldInbox(pass);
      await advanceLive(pass);
      // While an inbox row is half expanded the closure is not whole, and what looks ready may not be (R4).
      if (folded) await pass.sharingLooks(() => releaseReady(pass));
    } while (pass.progressed && pass.hasTime());
    const nudge = await nextNudge(pass);
    const seen = wake.row && { token: (wake.row.value as Wake).token, etag: wake.row.etag };
    if (await pass.lease.release(seen, nudge)) {
      if (nudge) await sendNudge(pass, nudge);
      return;
    }
  }
}

async function sendNudge(pass: Pass, nudge: { readonly id: string; readonly at: string }): Promise<void> {
  const delaySeconds = Math.max(0, Math.ceil((Date.parse(nudge.at) - pass.ports.now()) / 1000));
  await pass.ports.queues.send(
    queueNames.registries,
    { registry: pass.ports.registry.alias, nudge: nudge.id },
    { delaySeconds },
  );
}
