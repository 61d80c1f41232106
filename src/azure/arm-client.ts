import {
  ContainerRegistryManagementClient,
  type ContainerRegistryManagementClientOptionalParams,
} from "@azure/arm-containerregistry";
import type { TokenCredential } from "@azure/identity";
import { TransientError } from "../errors.ts";
import { parseRetryAfter } from "../retry-after.ts";
import { ArmRefusal, readRefusal } from "./arm-failure.ts";

type Policy = NonNullable<ContainerRegistryManagementClientOptionalParams["additionalPolicies"]>[number]["policy"];

/**
 * The SDK's client with its habits corrected:
 * - it would follow a nextLink or redirect to any host with the token: requests leave for the ARM endpoint only;
 * - it would sleep through a 429 for as long as it is told: a 429 ends the call (back-pressure is a delayed nudge, not a sleep);
 * - it would poll after a POST: see `oneRequestOnly`.
 */
export function createArmClient(options: {
  armEndpoint: string;
  credential: TokenCredential;
  subscriptionId: string;
  maxRetries: number;
  oneRequestOnly?: boolean;
}): ContainerRegistryManagementClient {
  const { armEndpoint, credential, subscriptionId, maxRetries } = options;
  const policies: Policy[] = [stayOn(armEndpoint), maxRetries > 0 ? endOnThrottle : undefined].filter(
    (policy) => policy !== undefined,
  );
  if (options.oneRequestOnly) policies.push(answerIsFinal);
  return new ContainerRegistryManagementClient(credential, subscriptionId, {
    endpoint: armEndpoint,
    retryOptions: { maxRetries, retryDelayInMs: 300, maxRetryDelayInMs: 2000 },
    redirectOptions: { maxRetries: 0 },
    // Innermost, so that these see what is really sent and answered.
    additionalPolicies: policies.map((policy) => ({ policy, position: "perRetry" as const })),
  });
}

function stayOn(armEndpoint: string): Policy {
  const { origin } = new URL(armEndpoint);
  return {
    name: "slipwayStayOnArm",
    sendRequest(request, next) {
      if (new URL(request.url).origin !== origin)
        throw new TransientError(`ARM at ${origin} pointed to another host; not followed`);
      return next(request);
    },
  };
}

const endOnThrottle: Policy = {
  name: "slipwayEndOnThrottle",
  async sendRequest(request, next) {
    const response = await next(request);
    if (response.status !== 429) return response;
    const { message } = readRefusal(response);
    throw new TransientError(`ARM answered 429: ${message}`, {
      retryAfterSeconds: parseRetryAfter(response.headers.get("retry-after"), Date.now()) ?? 15,
    });
  },
};

/** Makes the SDK's poller believe every 2xx is the end, so that an action is one request, whatever headers the answer has. */
const answerIsFinal: Policy = {
  name: "slipwayAnswerIsFinal",
  async sendRequest(request, next) {
    const response = await next(request);
    if (response.status >= 200 && response.status < 300) {
      response.status = 200;
      for (const header of ["azure-asyncoperation", "operation-location", "location"]) response.headers.delete(header);
    }
    return response;
  },
};

interface Wire {
  readonly status: number;
  readonly bodyAsText?: string | null;
  readonly parsedBody?: unknown;
  readonly headers: { get(name: string): string | undefined };
}

/** What the SDK's operations take from us: the time limit, and the raw answer instead of the SDK's reading of it. */
export interface CallOptions {
  readonly abortSignal: AbortSignal;
  readonly requestOptions: { readonly shouldDeserialize: false };
  onResponse(answer: Wire): void;
}

/** Runs one SDK operation; gives the last answer's JSON as it was on the wire, or throws ArmRefusal for an answer that is no success. */
export async function callArm(
  timeoutMs: number,
  operation: (options: CallOptions) => Promise<unknown>,
): Promise<unknown> {
  let body: unknown;
  await operation({
    abortSignal: AbortSignal.timeout(timeoutMs),
    requestOptions: { shouldDeserialize: false },
    onResponse(answer) {
      if (answer.status < 200 || answer.status > 299) throw new ArmRefusal(readRefusal(answer));
      body = answer.parsedBody;
    },
  });
  return body;
}
