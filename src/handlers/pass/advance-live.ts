/** Moves on what holds a slot at ACR: asks for it, looks at it, looks for it. */
import { type AcrRun, isAcrTerminal, type StartOutcome } from "../../core/run/acr-run.ts";
import { cancelUncalled } from "../../core/run/attempt.ts";
import { beginCall, endCall } from "../../core/run/call.ts";
import { getRun } from "../../core/run/desk.ts";
import { observe, vanished } from "../../core/run/observe.ts";
import { renderTask } from "../../core/run/task-yaml.ts";
import { isTerminal } from "../../core/run/transition.ts";
import { keys } from "../../core/state/keys.ts";
import type { Attempt, Run, Throttle } from "../../core/state/rows.ts";
import { messageOf, TransientError } from "../../errors.ts";
import { cancelAtAcr } from "./cancel-at-acr.ts";
import { findLostRun, watchGivenUp } from "./find-lost-run.ts";
import type { Pass } from "./pass.ts";

export async function advanceLive(pass: Pass): Promise<void> {
  const live = await pass.live();
  let open: ReadonlyMap<string, AcrRun> | undefined;
  for (const { run: runId, attempt: number } of live) {
    const [run, attempt] = await pass.decide((desk) => {
      const found = getRun(desk.world, runId);
      return [found, desk.world.get<Attempt>(keys.attempt(runId, number))] as const;
    });
    if (!run || !attempt || isTerminal(run.status) || run.attempt !== number) continue;
    if (attempt.stage === "linked") open ??= new Map((await pass.ports.acr.openRuns()).map((r) => [r.acrRunId, r]));
    await advance(pass, run, attempt, open ?? new Map());
  }
  await watchGivenUp(pass);
}

/** What is wrong with one run must not hold up the others of the registry. */
async function advance(pass: Pass, run: Run, attempt: Attempt, open: ReadonlyMap<string, AcrRun>): Promise<void> {
  try {
    if (attempt.stage === "linked") await observeRun(pass, run, attempt, open);
    else if (attempt.stage === "prepared") await callAcr(pass, run, attempt);
    else if (attempt.stage === "calling") await recover(pass, run, attempt);
    else if (attempt.stage === "lost") await findLostRun(pass, run, attempt);
  } catch (error) {
    if (error instanceof TransientError) throw error;
    const why = messageOf(error);
    pass.ports.log("run could not be moved on", { run: run.id, stage: attempt.stage, why });
  }
}

async function observeRun(pass: Pass, run: Run, attempt: Attempt, open: ReadonlyMap<string, AcrRun>): Promise<void> {
  const acrRunId = attempt.acrRunId!;
  await pass.lease.renewIfOld();
  // In the list it is still open; not in the list it has probably ended, and only its own record says how.
  const seen = open.get(acrRunId) ?? (await recordOf(pass, run, acrRunId));
  if (seen === "unanswered") return;
  await pass.decide((desk) => (seen ? observe(desk, run, attempt, seen) : vanished(desk, run, attempt)));
  if (run.cancelRequested && seen && !isAcrTerminal(seen.status)) await cancelAtAcr(pass, acrRunId);
}

/** One record that ACR does not give must not keep the registry's other runs from going on; several are an outage. */
const unansweredMost = 3;

async function recordOf(pass: Pass, run: Run, acrRunId: string): Promise<AcrRun | undefined | "unanswered"> {
  try {
    return await pass.ports.acr.run(acrRunId);
  } catch (error) {
    const isBusy = error instanceof TransientError && error.retryAfterSeconds !== undefined;
    pass.unanswered.add(acrRunId);
    if (!(error instanceof TransientError) || isBusy || pass.unanswered.size > unansweredMost) throw error;
    pass.ports.log("ACR does not say how a run is", { run: run.id, acrRunId, why: error.message });
    return "unanswered";
  }
}

async function callAcr(pass: Pass, run: Run, attempt: Attempt): Promise<void> {
  const { acr, registry } = pass.ports;
  if (run.cancelRequested) {
    await pass.decide((desk) => cancelUncalled(desk, run, attempt));
    return;
  }
  const until = await pass.decide((desk) => desk.world.get<Throttle>(keys.throttle)?.until);
  if (until !== undefined && Date.parse(until) > pass.ports.now()) return;
  const calling = await pass.decide((desk) => beginCall(desk, run, attempt));
  const timeoutMs = Date.parse(calling.deadline!) - pass.ports.now() - 1000;
  const { definition } = calling;
  const outcome: StartOutcome =
    timeoutMs <= 0
      ? { kind: "throttled", retryAfterSeconds: 1 }
      : await acr.startRun(
          {
            taskYaml: renderTask(definition, registry.loginServer, calling),
            sourceLocation: calling.sourceLocation!,
            timeoutSeconds: definition.timeoutSeconds,
            platform: definition.platforms[0]!,
            ...(registry.agentPool ? { agentPool: registry.agentPool } : {}),
          },
          { timeoutMs },
        );
  await pass.decide((desk) => {
    const now = getRun(desk.world, run.id)!;
    endCall(desk, now, calling, outcome);
  });
}

/** A pass died between writing the attempt and hearing from ACR. Until its deadline the call may still be under way. */
async function recover(pass: Pass, run: Run, attempt: Attempt): Promise<void> {
  if (pass.ports.now() <= Date.parse(attempt.deadline!)) return;
  await pass.decide((desk) =>
    endCall(desk, run, attempt, { kind: "unknown", message: "the pass that called stopped" }),
  );
  const lost = await pass.decide((desk) => desk.world.get<Attempt>(keys.attempt(run.id, attempt.number))!);
  await findLostRun(pass, run, lost);
}
