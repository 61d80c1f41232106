import type { RegistryEvent } from "../../registry/registry-event.ts";

export const webhookActions = ["push", "delete", "quarantine", "chart_push", "chart_delete"] as const;
export type WebhookAction = (typeof webhookActions)[number];

/** How many webhooks a registry may have: https://learn.microsoft.com/azure/container-registry/container-registry-skus */
export const webhookLimits = { Basic: 2, Standard: 10, Premium: 500 } as const;

export interface Webhook {
  readonly name: string;
  readonly location: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly serviceUri: string;
  readonly customHeaders: Readonly<Record<string, string>>;
  readonly status: "enabled" | "disabled";
  /** See `concerns`. */
  readonly scope: string;
  readonly actions: readonly WebhookAction[];
  readonly createdAt: string;
  readonly lastModifiedAt: string;
}

/** Exactly what ACR sends as a ping; its id is the ping call's answer and the id in the history. */
export interface Ping {
  readonly id: string;
  readonly timestamp: string;
  readonly action: "ping";
}

export type WebhookBody = RegistryEvent | Ping;

/**
 * An empty scope is everything; `repo:*` every tag of a repository, and what is pushed or deleted by digest; `repo:tag` one
 * tag; `repo` is `repo:latest`. Wildcards in repository names have not been seen and are plain characters here.
 */
export function concerns(webhook: Pick<Webhook, "status" | "scope" | "actions">, event: RegistryEvent): boolean {
  if (webhook.status === "disabled" || !webhook.actions.includes(event.action)) return false;
  if (webhook.scope === "") return true;
  const { repository, tag } = event.target;
  const colon = webhook.scope.lastIndexOf(":");
  const scoped =
    colon < 0
      ? { repository: webhook.scope, tag: "latest" }
      : { repository: webhook.scope.slice(0, colon), tag: webhook.scope.slice(colon + 1) };
  return scoped.repository === repository && (scoped.tag === "*" || scoped.tag === tag);
}
