import type { ContainerRegistryManagementClient } from "@azure/arm-containerregistry";
import { type AcrRun, isAcrTerminal } from "../core/run/acr-run.ts";
import { TransientError } from "../errors.ts";
import { toAcrRun } from "./acr-run.ts";
import { type CallOptions, callArm } from "./arm-client.ts";
import { ArmRefusal } from "./arm-failure.ts";
import type { RegistryResourceId } from "./registry-resource-id.ts";
import { Run, RunPage } from "./schema.ts";

const pageLimit = 60;
const pageTimeoutMs = 20_000;

interface Arm {
  readonly client: ContainerRegistryManagementClient;
  readonly id: RegistryResourceId;
}

/** Every run not yet ended. */
export async function openRuns(arm: Arm): Promise<AcrRun[]> {
  const runs = await listRuns(arm, "Status eq 'Queued' or Status eq 'Started' or Status eq 'Running'");
  return runs.filter((run) => !isAcrTerminal(run.status));
}

/**
 * Every run created at or after `iso`. How the service wants a time literal in `$filter` is documented nowhere; OData's
 * unquoted form is sent. If it is refused as a bad request, the list is read newest first until it reaches older runs.
 */
export async function runsCreatedSince(arm: Arm, iso: string): Promise<AcrRun[]> {
  const isOlder = (run: AcrRun) => run.createTime !== undefined && run.createTime < iso;
  const list = async () => {
    try {
      return await listRuns(arm, `CreateTime ge ${iso}`);
    } catch (error) {
      if (!(error instanceof ArmRefusal) || error.refusal.status !== 400) throw error;
      return await listRuns(arm, undefined, isOlder);
    }
  };
  return (await list()).filter((run) => !isOlder(run));
}

/**
 * All pages. No `$top`: it limits the whole list, not the page, and a list cut short would pass for a complete one.
 * For the same reason a list longer than 60 pages is an error: whoever looks for a lost run must not conclude that there is none.
 */
async function listRuns(arm: Arm, filter: string | undefined, enough: (run: AcrRun) => boolean = () => false) {
  const runs: AcrRun[] = [];
  let continuationToken: string | undefined;
  for (let page = 0; page < pageLimit; page++) {
    const { value, nextLink } = RunPage.parse(
      await callArm(pageTimeoutMs, (call) => onePage(arm, filter, continuationToken, call)),
    );
    const read = (value ?? []).map(toAcrRun).filter((run) => run !== undefined);
    runs.push(...read);
    if (!nextLink || read.some(enough)) return runs;
    continuationToken = nextLink;
  }
  throw new TransientError(`list runs of ${arm.id.registryName}: more than ${pageLimit} pages`);
}

async function onePage(arm: Arm, filter: string | undefined, continuationToken: string | undefined, call: CallOptions) {
  const pages = arm.client.runs
    .list(arm.id.resourceGroup, arm.id.registryName, { ...call, filter })
    .byPage({ continuationToken });
  await pages.next();
}

/** One run, or undefined when the registry does not know it. */
export async function getRun(arm: Arm, acrRunId: string): Promise<AcrRun | undefined> {
  try {
    const answer = await callArm(pageTimeoutMs, (call) =>
      arm.client.runs.get(arm.id.resourceGroup, arm.id.registryName, acrRunId, call),
    );
    return toAcrRun(Run.parse(answer));
  } catch (error) {
    if (error instanceof ArmRefusal && error.refusal.status === 404) return undefined;
    throw error;
  }
}
