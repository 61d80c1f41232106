import type { Hook } from "./state.ts";
import type { World } from "./world.ts";

/** A webhook's settings as GitHub shows them; the secret is never told. https://docs.github.com/rest/apps/webhooks */
export function hookConfig(hook: Hook) {
  return { content_type: "json", insecure_ssl: "0", secret: "********", url: hook.url };
}

/** The `ping` an App's webhook gets when it is set. https://docs.github.com/webhooks/webhook-events-and-payloads#ping */
export function pingPayload(world: World, hook: Hook) {
  return {
    zen: "Keep it logically awesome.",
    hook_id: hook.id,
    hook: {
      type: "App",
      id: hook.id,
      name: "web",
      active: true,
      events: world.app.events,
      config: hookConfig(hook),
      updated_at: new Date(hook.updatedAt).toISOString(),
      created_at: new Date(hook.createdAt).toISOString(),
      app_id: world.app.id,
      deliveries_url: `${world.apiUrl}/app/hook/deliveries`,
    },
  };
}
