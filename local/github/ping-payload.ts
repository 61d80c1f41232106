import type { Hook } from "./state.ts";
import type { World } from "./world.ts";

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
      events: ["push"],
      config: { content_type: "json", insecure_ssl: "0", secret: "********", url: hook.url },
      updated_at: new Date(hook.updatedAt).toISOString(),
      created_at: new Date(hook.createdAt).toISOString(),
      app_id: world.app.id,
      deliveries_url: `${world.apiUrl}/app/hook/deliveries`,
    },
  };
}
