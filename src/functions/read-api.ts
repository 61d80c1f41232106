import { app as functions } from "@azure/functions";
import { answerJson } from "../api/problem.ts";
import { apiRequest, apiResponse, app } from "../bindings.ts";

/** A key of this function reads and cannot write: give it to dashboards. */
functions.http("read-api", {
  methods: ["GET"],
  authLevel: "function",
  route: "{*path}",
  handler: async (request) => {
    const asked = apiRequest(request);
    return apiResponse(asked.path === "openapi.json" ? answerJson(app().api.openApi) : await app().api.read(asked));
  },
});
