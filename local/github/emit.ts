import { takeFault } from "../delivery/faults.ts";
import { accountBody, organizationBody } from "./account-body.ts";
import { deliver, prepareDelivery } from "./deliver.ts";
import type { Delivery } from "./delivery-log.ts";
import { nodeId } from "./node-id.ts";
import { fullNameOf, installationOf, ownerOf } from "./repositories.ts";
import { repositoryBody } from "./repository-body.ts";
import type { Account, Installation, Repository } from "./state.ts";
import { record, type World } from "./world.ts";

/** Something the App may be told. */
export interface WebhookEvent {
  event: string;
  action: string | null;
  repository: Repository | null;
  /** Given where there is no repository to find it by. */
  installation?: Installation;
  sender: Account;
  /** What this event has beside `action`, `repository`, `organization`, `installation` and `sender`. */
  fields: object;
  /** Instead of all that: the whole payload. */
  payload?: object;
  /** For the ledger: the refs concerned. */
  refs?: string[];
}

/** What every App is told without asking for it. https://docs.github.com/webhooks/webhook-events-and-payloads#installation */
const unasked = ["installation", "installation_repositories"];
/** What only the App that owns the check is told, whatever it subscribed to. */
const ownersOnly = ["rerequested", "requested_action"];

/** What an App must have been granted to be told. https://docs.github.com/webhooks/webhook-events-and-payloads */
const needs: Record<string, string> = {
  push: "contents",
  pull_request: "pull_requests",
  issue_comment: "issues",
  check_run: "checks",
  check_suite: "checks",
  repository: "metadata",
};

/** Writes the events down as deliveries, as far as the App is told of them. The caller saves the state, then sends. */
export function prepareEvents(world: World, events: readonly WebhookEvent[]): Delivery[] {
  return events.flatMap((event) => prepareEvent(world, event) ?? []);
}

/** Makes a change of the state final together with its events, then sends them: after a crash there are both or neither. */
export function saveAndSend(world: World, events: readonly WebhookEvent[]): void {
  const deliveries = prepareEvents(world, events);
  world.state.save();
  for (const delivery of deliveries) deliver(world, delivery);
}

function prepareEvent(world: World, event: WebhookEvent): Delivery | undefined {
  const { repository } = event;
  const installation = event.installation ?? (repository ? installationOf(world, repository) : undefined);
  if (!world.state.value.hook || !installation || !isTold(world, event, installation)) return undefined;
  if (takeFault(world.faults, "lose")) return withhold(world, event, "fault: lost");
  const delivery = prepareDelivery(world, {
    event: event.event,
    action: event.action,
    installationId: installation.id,
    repositoryId: repository?.id ?? null,
    payload: event.payload ?? payloadOf(world, event, installation),
  });
  return delivery ?? withhold(world, event, "the payload is over 25 MB");
}

/** A suspended installation is told of its own suspension only. */
function isTold(world: World, { event, action }: WebhookEvent, installation: Installation): boolean {
  if (unasked.includes(event)) return event === "installation" || installation.suspendedAt === undefined;
  if (installation.suspendedAt !== undefined) return false;
  const granted = world.app.permissions[needs[event] ?? "metadata"];
  if (ownersOnly.includes(action ?? "")) return granted === "write";
  return granted !== undefined && world.app.events.includes(event);
}

function payloadOf(world: World, event: WebhookEvent, installation: Installation): object {
  const { repository, action, sender, fields } = event;
  const owner = repository ? ownerOf(world, repository) : undefined;
  return {
    action,
    ...fields,
    ...(repository ? { repository: repositoryBody(world, repository) } : {}),
    ...(owner?.type === "Organization" ? { organization: organizationBody(world, owner) } : {}),
    ...(repository
      ? { installation: { id: installation.id, node_id: nodeId("IntegrationInstallation", installation.id) } }
      : {}),
    sender: accountBody(world, sender),
  };
}

/** Puts down that an event was not sent. */
export function withhold(world: World, event: WebhookEvent, why: string): undefined {
  const { action, refs } = event;
  const repository = event.repository ? fullNameOf(world, event.repository) : null;
  record(world, {
    kind: "webhook-withheld",
    event: event.event,
    ...(action ? { action } : {}),
    repository,
    ...(refs ? { refs } : {}),
    why,
  });
  return undefined;
}
