import { accountBody } from "./account-body.ts";
import { nodeId } from "./node-id.ts";
import type { World } from "./world.ts";

/** What an App has unless told otherwise: what Slipway asks for. */
export const defaultPermissions: Readonly<Record<string, "read" | "write">> = {
  checks: "write",
  contents: "read",
  issues: "read",
  metadata: "read",
  pull_requests: "read",
  statuses: "write",
};

export const defaultEvents: readonly string[] = ["push", "pull_request", "issue_comment", "check_run", "repository"];

/** The App as checks and `GET /app` show it. */
export function appBody(world: World) {
  const made = "2026-01-01T00:00:00Z";
  return {
    id: world.app.id,
    client_id: world.app.clientId,
    slug: world.app.slug,
    node_id: nodeId("Integration", world.app.id),
    owner: accountBody(world, { id: 1, login: "local", type: "Organization" }),
    name: world.app.slug,
    description: "The App of the local GitHub",
    external_url: world.url,
    html_url: `${world.url}/apps/${world.app.slug}`,
    created_at: made,
    updated_at: made,
    permissions: world.app.permissions,
    events: world.app.events,
  };
}
