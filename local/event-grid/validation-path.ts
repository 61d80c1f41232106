import { Hono } from "hono";
import type { Bindings } from "../http.ts";
import type { EventGrid } from "./event-grid.ts";

/**
 * Where a validation URL leads, by GET as Event Grid says and by POST as the CloudEvents callback allows. Whoever has the URL
 * is known by it: no token is asked for.
 */
export function validationPath(eventGrid: EventGrid): Hono<Bindings> {
  return new Hono<Bindings>().on(["GET", "POST"], "/eventsubscriptions/:name/validate", (c) =>
    eventGrid.validate(c.req.query("id") ?? "")
      ? c.text("Webhook successfully validated as a subscription endpoint.")
      : c.text("There is no such validation under way.", 404),
  );
}
