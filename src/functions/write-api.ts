import { app as functions } from "@azure/functions";
import { apiRequest, apiResponse, app } from "../bindings.ts";

functions.http("write-api", {
  methods: ["POST"],
  authLevel: "function",
  route: "{*path}",
  handler: async (request) => apiResponse(await app().api.write(apiRequest(request))),
});
