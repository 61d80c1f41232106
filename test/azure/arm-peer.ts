import type { TokenCredential } from "@azure/identity";
import { generate } from "selfsigned";
import { type Answer, type Peer, type SeenRequest, startPeer } from "../support/scripted-peer.ts";

export const armToken = "entra-token-hunter2-entra-token";

export const registry = {
  alias: "acme",
  resourceId:
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-acme/providers/Microsoft.ContainerRegistry/registries/acmeprod",
  maxRuns: 4,
};

export function fakeCredential(asked: string[] = []): TokenCredential {
  return {
    async getToken(scope) {
      asked.push(String(scope));
      return { token: armToken, expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
}

/** ARM over https, because the SDK sends tokens no other way. Its certificate is trusted by nobody: the test turns checking off for itself. */
export async function startArm(
  answer: (request: SeenRequest, index: number) => Answer | Promise<Answer>,
): Promise<Peer> {
  const { private: key, cert } = await generate([{ name: "commonName", value: "127.0.0.1" }], {
    keyType: "ec",
    algorithm: "sha256",
  });
  return await startPeer(answer, { key, cert });
}

export function wireRun(runId: string, properties: Record<string, unknown> = {}) {
  return {
    type: "Microsoft.ContainerRegistry/registries/runs",
    name: runId,
    properties: { runId, status: "Queued", lastUpdatedTime: "2026-03-01T10:00:00+00:00", ...properties },
  };
}
