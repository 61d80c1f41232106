import { app as functions } from "@azure/functions";
import { app, logOf } from "../bindings.ts";
import { receiveRegistryEvent, takeQueuedEvent } from "../handlers/receive-registry-event.ts";

/** Anonymous to the host: each sender has a key of its own. */
functions.http("receive-registry-event", {
  methods: ["POST", "OPTIONS"],
  authLevel: "anonymous",
  route: "registry-events/{sender}",
  handler: async (request, context) => {
    const { status, headers, body } = await receiveRegistryEvent(
      request.params.sender ?? "",
      {
        method: request.method,
        header: (name) => request.headers.get(name) ?? undefined,
        query: (name) => request.query.get(name) ?? undefined,
        bytes: async () => new Uint8Array(await request.arrayBuffer()),
      },
      app().receiveEvent(logOf(context)),
    );
    return { status, headers: { ...headers }, body: body ?? "" };
  },
});

/** Event Grid may deliver straight to this queue: no key, no handshake, and storage keeps what we are too slow for. */
functions.storageQueue("receive-queued-event", {
  queueName: "registry-events",
  connection: "SlipwayStorage",
  handler: async (message, context) => takeQueuedEvent(message, app().receiveEvent(logOf(context))),
});
