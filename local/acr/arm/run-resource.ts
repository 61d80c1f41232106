import type { RunRecord } from "../run-record.ts";
import type { RegistryContext } from "./registry-context.ts";

/** What scheduleRun answers: far fewer properties than a GET a moment later. */
export function scheduledRunResource(run: RunRecord, registry: RegistryContext) {
  return resource(run, registry, {});
}

/** A run as GET and list show it; properties appear as the run gets on, and unset ones are left out. */
export function runResource(run: RunRecord, registry: RegistryContext) {
  return resource(run, registry, {
    // Both request types seen on Azure read back as QuickRun.
    runType: "QuickRun",
    createTime: precise(run.createTime),
    startTime: run.startTime && precise(run.startTime),
    finishTime: run.finishTime && precise(run.finishTime),
    agentPoolName: run.agentPoolName,
    task: run.task,
    updateTriggerToken: run.updateTriggerToken,
    platform: run.platform,
    agentConfiguration: { cpu: run.cpu },
    outputImages: run.outputImages?.length ? run.outputImages : undefined,
    customRegistries: run.customRegistries.length > 0 ? run.customRegistries : undefined,
    runErrorMessage: run.runErrorMessage,
  });
}

function resource(run: RunRecord, registry: RegistryContext, more: object) {
  return {
    type: "Microsoft.ContainerRegistry/registries/runs",
    id: `${registry.resourceId}/runs/${run.runId}`,
    name: run.runId,
    systemData: {
      createdByType: "Application",
      createdAt: precise(run.createTime),
      lastModifiedByType: "Application",
      lastModifiedAt: precise(run.lastUpdatedTime),
    },
    properties: {
      runId: run.runId,
      status: run.status,
      lastUpdatedTime: `${run.lastUpdatedTime.slice(0, 19)}+00:00`,
      ...more,
      // Says Succeeded of failed runs too: only `status` tells how a run went.
      provisioningState: "Succeeded",
      isArchiveEnabled: run.isArchiveEnabled,
    },
  };
}

/** Seven fraction digits and an offset, as ACR writes times. */
export function precise(time: string): string {
  return `${time.replace("Z", "")}0000+00:00`;
}
