import { app as functions } from "@azure/functions";
import { app, logOf } from "../bindings.ts";
import { Nudge } from "../handlers/messages.ts";
import { reconcileRegistry } from "../handlers/reconcile-registry.ts";
import { withRetries } from "../handlers/retry.ts";

functions.storageQueue("reconcile-registry", {
  queueName: "registries",
  connection: "SlipwayStorage",
  handler: async (message, context) => {
    const log = logOf(context);
    const nudge = Nudge.parse(message);
    await withRetries(
      "registries",
      nudge,
      { queues: app().queues, now: Date.now, log },
      async () => reconcileRegistry(nudge, await app().reconcile(nudge.registry, log)),
      // Nothing is lost: the words stay in the inbox, and the sweep nudges again.
      async (_, error) => log("pass given up", { registry: nudge.registry, why: error.message }),
    );
  },
});
