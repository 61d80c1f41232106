import { randomUUID } from "node:crypto";
import { sasUrl } from "../blob-store.ts";
import { isTerminal, type RunRecord } from "../run-record.ts";
import { tasksVersions } from "./api-version.ts";
import { notFound } from "./arm-error.ts";
import { JsonFields } from "./json-fields.ts";
import { listRuns } from "./list-runs.ts";
import { readRunRequest } from "./read-run-request.ts";
import type { RegistryContext } from "./registry-context.ts";
import { type Call, jsonBody, type Route } from "./route.ts";
import { runResource, scheduledRunResource } from "./run-resource.ts";
import { linkFor } from "./storage-front.ts";

const tasks = { versions: tasksVersions };

export const runRoutes: readonly Route[] = [
  { operation: "scheduleRun", method: "POST", path: "/schedulerun", ...tasks, handle: scheduleRun },
  {
    operation: "listBuildSourceUploadUrl",
    method: "POST",
    path: "/listbuildsourceuploadurl",
    ...tasks,
    handle: listBuildSourceUploadUrl,
  },
  { operation: "listRuns", method: "GET", path: "/runs", ...tasks, handle: listRuns },
  { operation: "getRun", method: "GET", path: "/runs/:runid", ...tasks, handle: getRun },
  { operation: "updateRun", method: "PATCH", path: "/runs/:runid", ...tasks, handle: updateRun },
  { operation: "cancelRun", method: "POST", path: "/runs/:runid/cancel", ...tasks, handle: cancelRun },
  { operation: "listLogSasUrl", method: "POST", path: "/runs/:runid/listlogsasurl", ...tasks, handle: listLogSasUrl },
];

/** Azure models this as a long-running operation in 2019's version and answers a plain 200 in both. */
async function scheduleRun(c: Call, registry: RegistryContext): Promise<Response> {
  const run = registry.state.addRun(readRunRequest(await jsonBody(c), registry, c.req.query("api-version")));
  registry.queue.add(run.runId);
  return c.json(scheduledRunResource(run, registry));
}

async function listBuildSourceUploadUrl(c: Call, registry: RegistryContext): Promise<Response> {
  const minute = registry.clock.iso().slice(0, 16).replaceAll(/[-T:]/g, "");
  const relativePath = `source/${minute}/${randomUUID().replaceAll("-", "")}.tar.gz`;
  const uploadUrl = linkFor(c, await sasUrl(registry.blobs.sources, relativePath, "cw"));
  registry.state.announce({ kind: "source-upload-offered", relativePath });
  return c.json({ uploadUrl, relativePath });
}

function getRun(c: Call, registry: RegistryContext): Response {
  return c.json(runResource(requireRun(c, registry), registry));
}

async function updateRun(c: Call, registry: RegistryContext): Promise<Response> {
  const run = requireRun(c, registry);
  const isArchiveEnabled = new JsonFields(await jsonBody(c), "runUpdateParameters").flag("isArchiveEnabled", false);
  return c.json(runResource(registry.state.archiveRun(run.runId, isArchiveEnabled), registry));
}

/** Of a finished run nothing is left to cancel: 200 and no effect. What Azure answers then has not been seen. */
async function cancelRun(c: Call, registry: RegistryContext): Promise<Response> {
  const run = requireRun(c, registry);
  if (!isTerminal(run.status)) {
    registry.state.requestCancel(run.runId);
    await registry.queue.cancel(run.runId);
  }
  return c.body(null, 200);
}

/** The link is good before the log exists; the blob answers 404 until the run starts. */
async function listLogSasUrl(c: Call, registry: RegistryContext): Promise<Response> {
  const run = requireRun(c, registry);
  const logLink = linkFor(c, await sasUrl(registry.blobs.logs, run.logBlob, "r"));
  registry.state.announce({ kind: "log-link-offered", runId: run.runId });
  return c.json({ logLink });
}

function requireRun(c: Call, registry: RegistryContext): RunRecord {
  const runId = c.req.param("runid") ?? "";
  const run = registry.state.run(runId);
  if (!run) throw notFound(`The run '${runId}' was not found in the registry '${registry.name}'.`);
  return run;
}
