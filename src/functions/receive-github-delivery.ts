import { app as functions } from "@azure/functions";
import { app, logOf } from "../bindings.ts";
import { receiveGitHubDelivery } from "../handlers/receive-github-delivery.ts";

/** Anonymous to the host: the signature is the key. */
functions.http("receive-github-delivery", {
  methods: ["POST"],
  authLevel: "anonymous",
  route: "github/deliveries",
  handler: async (request, context) => {
    const { status, headers, body } = await receiveGitHubDelivery(
      {
        header: (name) => request.headers.get(name) ?? undefined,
        bytes: async () => new Uint8Array(await request.arrayBuffer()),
      },
      app().receive(logOf(context)),
    );
    return { status, headers: { ...headers }, body: body ?? "" };
  },
});
