import type { TokenCredential } from "@azure/identity";
import * as z from "zod";
import type { RegistryConfig } from "../core/config/platform.ts";
import type { AcrRun, RegistryFacts, StartOutcome, StartRequest } from "../core/run/acr-run.ts";
import { InternalError, TransientError } from "../errors.ts";
import type { LogReader } from "../ports.ts";
import { Secret } from "../secret.ts";
import { callArm, createArmClient } from "./arm-client.ts";
import { ArmRefusal, classifyArmFailure } from "./arm-failure.ts";
import { parseRegistryResourceId } from "./registry-resource-id.ts";
import { getRun, openRuns, runsCreatedSince } from "./run-list.ts";
import { createLogReader, type LogLink } from "./run-log.ts";
import { LogLinks, Registry, UploadTarget } from "./schema.ts";
import { startRun } from "./start-run.ts";

/**
 * One registry's tasks side of ARM. Except for `startRun`, which never throws, calls throw TransientError (429 with its wait, 5xx, no answer, an answer we
 * cannot read) or PermanentError with ARM's own code; reads are retried twice on 5xx and lost connections, never on 429.
 */
export interface AcrTasks {
  registryFacts(): Promise<RegistryFacts>;
  /** Where to put a build context. The URL is a credential and its lifetime is not documented: ask right before the upload. */
  uploadTarget(): Promise<{ uploadUrl: Secret; relativePath: string }>;
  /** One POST, never retried. See StartOutcome for what each answer allows. */
  startRun(request: StartRequest, options: { timeoutMs: number }): Promise<StartOutcome>;
  openRuns(): Promise<AcrRun[]>;
  runsCreatedSince(iso: string): Promise<AcrRun[]>;
  run(acrRunId: string): Promise<AcrRun | undefined>;
  /** Asks; the run may still end otherwise. A run that is gone or already over is no error. */
  cancelRun(acrRunId: string): Promise<void>;
  logReader(acrRunId: string): Promise<LogReader>;
}

const callTimeoutMs = 20_000;
const acrRunIdShape = /^[A-Za-z0-9-]{1,64}$/;

export function createAcrTasks(options: {
  armEndpoint: string;
  credential: TokenCredential;
  registry: RegistryConfig;
}): AcrTasks {
  const { armEndpoint, credential, registry } = options;
  const id = parseRegistryResourceId(registry.resourceId);
  const { subscriptionId, resourceGroup, registryName } = id;
  const common = { armEndpoint, credential, subscriptionId };
  const reads = { client: createArmClient({ ...common, maxRetries: 2 }), id };
  const acts = { client: createArmClient({ ...common, maxRetries: 0, oneRequestOnly: true }), id };

  const classified = async <T>(act: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      const sentence = `${act} of ${registryName}`;
      if (error instanceof z.ZodError)
        throw new TransientError(`${sentence}: ARM's answer is not as documented: ${z.prettifyError(error)}`);
      throw classifyArmFailure(sentence, error);
    }
  };
  const checked = (acrRunId: string) => {
    if (!acrRunIdShape.test(acrRunId)) throw new InternalError(`not an ACR run id: ${acrRunId.slice(0, 80)}`);
    return acrRunId;
  };

  return {
    registryFacts: () =>
      classified("read the facts", async () => {
        const answer = await callArm(callTimeoutMs, (call) =>
          reads.client.registries.get(resourceGroup, registryName, call),
        );
        const { properties } = Registry.parse(answer);
        const createdAt = new Date(properties.creationDate).toISOString();
        return { loginServer: properties.loginServer.toLowerCase(), createdAt };
      }),
    uploadTarget: () =>
      classified("get an upload URL", async () => {
        const answer = await callArm(callTimeoutMs, (call) =>
          reads.client.registries.getBuildSourceUploadUrl(resourceGroup, registryName, call),
        );
        const { uploadUrl, relativePath } = UploadTarget.parse(answer);
        return { uploadUrl: new Secret(uploadUrl), relativePath };
      }),
    startRun: (request, startOptions) =>
      startRun({ ...acts, credential, scope: `${armEndpoint}/.default` }, request, startOptions),
    openRuns: () => classified("list open runs", () => openRuns(reads)),
    runsCreatedSince: (iso) => classified("list created runs", () => runsCreatedSince(reads, iso)),
    run: (acrRunId) => classified(`get run ${acrRunId}`, () => getRun(reads, checked(acrRunId))),
    cancelRun: (acrRunId) =>
      classified(`cancel run ${acrRunId}`, async () => {
        try {
          await callArm(callTimeoutMs, (call) =>
            acts.client.runs.beginCancel(resourceGroup, registryName, checked(acrRunId), call),
          );
        } catch (error) {
          if (!(error instanceof ArmRefusal) || ![404, 409].includes(error.refusal.status)) throw error;
        }
      }),
    logReader: async (acrRunId) =>
      createLogReader(() =>
        classified(`get the log of run ${acrRunId}`, async (): Promise<LogLink | undefined> => {
          const answer = await callArm(callTimeoutMs, (call) =>
            reads.client.runs.getLogSasUrl(resourceGroup, registryName, checked(acrRunId), call),
          );
          const { logLink, logArtifactLink } = LogLinks.parse(answer);
          if (logArtifactLink) return { kind: "artifact", url: new Secret(logArtifactLink) };
          if (logLink) return { kind: "blob", url: new Secret(logLink) };
          return undefined;
        }),
      ),
  };
}
