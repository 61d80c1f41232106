import type { Hono } from "hono";
import { isOnThisMachine } from "../../delivery/receiver.ts";
import { deliver, prepareRedelivery } from "../deliver.ts";
import type { Delivery } from "../delivery-log.ts";
import { textField, wordField } from "../fields.ts";
import { notFound, validationFailed } from "../http-error.ts";
import { perPage, urlWith } from "../paging.ts";
import { hookConfig } from "../ping-payload.ts";
import { type ApiContext, type ApiEnv, jsonBody, requireApp } from "../request.ts";
import { setWebhook } from "../set-webhook.ts";
import type { World } from "../world.ts";

/** https://docs.github.com/rest/apps/webhooks. Deliveries are listed once they have an outcome. */
export function deliveryRoutes(app: Hono<ApiEnv>, world: World): void {
  app.get("/app/hook/config", (c) => {
    requireApp(c);
    const { hook } = world.state.value;
    return c.json(hook ? hookConfig(hook) : {});
  });
  app.patch("/app/hook/config", (c) => changeConfig(world, c));
  app.get("/app/hook/deliveries", (c) => listDeliveries(world, c));

  app.get("/app/hook/deliveries/:id{[0-9]+}", (c) => {
    requireApp(c);
    const delivery = deliveryFor(world, c);
    const { outcome } = delivery;
    return c.json({
      ...itemBody(delivery),
      url: outcome?.url,
      request: { headers: outcome?.requestHeaders ?? null, payload: JSON.parse(delivery.body) },
      response: { headers: outcome?.responseHeaders ?? null, payload: outcome?.responseBody ?? null },
    });
  });

  app.post("/app/hook/deliveries/:id{[0-9]+}/attempts", (c) => {
    requireApp(c);
    deliver(world, prepareRedelivery(world, deliveryFor(world, c)));
    return c.json({}, 202);
  });
}

/** What is not named stays. Other content types than JSON, and `insecure_ssl`, are not emulated. */
async function changeConfig(world: World, c: ApiContext): Promise<Response> {
  requireApp(c);
  const body = await jsonBody(c);
  const { hook } = world.state.value;
  const url = textField("Hook", body, "url") ?? hook?.url ?? "";
  wordField("Hook", body, "content_type", ["json"]);
  if (!isOnThisMachine(url)) throw validationFailed("Hook", "url", "url is not an address of this machine");
  setWebhook(world, url, textField("Hook", body, "secret") ?? hook?.secret ?? "");
  return c.json(hookConfig(world.state.value.hook!));
}

/** Newest first, cursor paging: the cursor is the id before which the next page starts. */
function listDeliveries(world: World, c: ApiContext): Response {
  requireApp(c);
  const size = perPage(c);
  const cursor = /^v1_(\d+)$/.exec(c.req.query("cursor") ?? "")?.[1];
  const status = c.req.query("status");
  const matching = world.deliveries
    .list()
    .filter((each) => each.outcome && (cursor === undefined || each.id < Number(cursor)))
    .filter((each) => status === undefined || (each.outcome!.status === "OK") === (status === "success"));
  const page = matching.slice(0, size);
  if (matching.length > size) {
    const next = urlWith(world, c, { per_page: String(size), cursor: `v1_${page.at(-1)!.id}` });
    c.header("Link", `<${next}>; rel="next"`);
  }
  return c.json(page.map(itemBody));
}

function deliveryFor(world: World, c: ApiContext): Delivery {
  const delivery = world.deliveries.get(Number(c.req.param("id")));
  if (!delivery?.outcome) throw notFound();
  return delivery;
}

function itemBody(delivery: Delivery) {
  const outcome = delivery.outcome!;
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: new Date(outcome.deliveredAt).toISOString(),
    redelivery: delivery.redelivery,
    duration: outcome.duration,
    status: outcome.status,
    status_code: outcome.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: delivery.installationId,
    repository_id: delivery.repositoryId,
    throttled_at: null,
  };
}
