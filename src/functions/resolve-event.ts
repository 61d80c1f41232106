import { app as functions } from "@azure/functions";
import { app, logOf } from "../bindings.ts";
import { EventMessage } from "../handlers/messages.ts";
import { giveUpEvent, resolveEvent } from "../handlers/resolve-event.ts";
import { withRetries } from "../handlers/retry.ts";

functions.storageQueue("resolve-event", {
  queueName: "events",
  connection: "SlipwayStorage",
  handler: async (message, context) => {
    const ports = app().resolve(logOf(context));
    await withRetries(
      "events",
      EventMessage.parse(message),
      ports,
      (event) => resolveEvent(event, ports),
      (event, error) => giveUpEvent(event, error, ports),
    );
  },
});
