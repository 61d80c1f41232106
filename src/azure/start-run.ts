import type { ContainerRegistryManagementClient, EncodedTaskRunRequest } from "@azure/arm-containerregistry";
import type { TokenCredential } from "@azure/identity";
import type { StartOutcome, StartRequest } from "../core/run/acr-run.ts";
import { redact, safeCause } from "../redact.ts";
import { toAcrRun } from "./acr-run.ts";
import { callArm } from "./arm-client.ts";
import { ArmRefusal } from "./arm-failure.ts";
import type { RegistryResourceId } from "./registry-resource-id.ts";
import { Run } from "./schema.ts";

/** Seconds to wait after a 429 without Retry-After, and after a call that was certainly never sent. */
const defaultWaitSeconds = 15;

/**
 * Asks ACR for one run with exactly one POST: scheduleRun has no idempotency key, so a retry could build twice.
 * Never throws. `throttled` and `refused` are said only when certainly nothing was started; everything else is `unknown`.
 */
export async function startRun(
  arm: {
    /** Without retries and without polling. */
    readonly client: ContainerRegistryManagementClient;
    readonly credential: TokenCredential;
    readonly scope: string;
    readonly id: RegistryResourceId;
  },
  request: StartRequest,
  options: { readonly timeoutMs: number },
): Promise<StartOutcome> {
  const body = toRunRequest(request);
  if ("refused" in body) return { kind: "refused", code: "bad-request", message: body.refused };
  const deadline = Date.now() + options.timeoutMs;
  try {
    // Fetched before the call so that a failing identity is known to have sent nothing; the SDK then finds it in the credential's cache.
    await arm.credential.getToken(arm.scope, { abortSignal: AbortSignal.timeout(options.timeoutMs), enableCae: true });
  } catch {
    return { kind: "throttled", retryAfterSeconds: defaultWaitSeconds };
  }
  try {
    const answer = await callArm(Math.max(1, deadline - Date.now()), (call) =>
      arm.client.registries.beginScheduleRun(arm.id.resourceGroup, arm.id.registryName, body.request, call),
    );
    const wire = Run.safeParse(answer);
    const run = wire.success ? toAcrRun(wire.data) : undefined;
    return run ? { kind: "accepted", run } : { kind: "unknown", message: "accepted, but the answer names no run" };
  } catch (error) {
    return toOutcome(error);
  }
}

function toOutcome(error: unknown): StartOutcome {
  if (error instanceof ArmRefusal) {
    const { status, code, message, retryAfterSeconds } = error.refusal;
    if (status === 429) return { kind: "throttled", retryAfterSeconds: retryAfterSeconds ?? defaultWaitSeconds };
    // 408 is the front door giving up on what is behind it, which may still do the work.
    if (status >= 400 && status < 500 && status !== 408) return { kind: "refused", code, message };
    return { kind: "unknown", message: `ARM answered ${status} ${code}: ${message}` };
  }
  const { name, message, code } = safeCause(error) as Error & { code?: string };
  if (code !== undefined && neverConnected.has(code))
    return { kind: "throttled", retryAfterSeconds: defaultWaitSeconds };
  return { kind: "unknown", message: `no answer: ${code ?? name}: ${message}` };
}

/** No connection, no request. A reset or a time-out is another matter: the request may have arrived. */
const neverConnected = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);

const architectures = new Set(["amd64", "x86", "386", "arm", "arm64"]);
const operatingSystems: Record<string, string> = { linux: "Linux", windows: "Windows" };

/** https://learn.microsoft.com/rest/api/containerregistry/registries/schedule-run — the bounds the service would refuse, checked before sending. */
function toRunRequest(request: StartRequest): { request: EncodedTaskRunRequest } | { refused: string } {
  const [osName = "", architecture = "", variant, ...rest] = request.platform.toLowerCase().split("/");
  const os = operatingSystems[osName];
  if (os === undefined || !architectures.has(architecture) || rest.length > 0 || variant === "")
    return { refused: `ACR cannot build for platform ${redact(request.platform).slice(0, 60)}` };
  const { timeoutSeconds } = request;
  if (!Number.isInteger(timeoutSeconds) || timeoutSeconds < 300 || timeoutSeconds > 28_800)
    return { refused: `a run's timeout must be 300 to 28800 seconds, not ${timeoutSeconds}` };
  return {
    request: {
      type: "EncodedTaskRunRequest",
      encodedTaskContent: Buffer.from(request.taskYaml, "utf8").toString("base64"),
      sourceLocation: request.sourceLocation,
      timeout: timeoutSeconds,
      platform: { os, architecture, ...(variant && { variant }) },
      ...(request.agentPool && { agentPoolName: request.agentPool }),
    },
  };
}
