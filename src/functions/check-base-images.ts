import { app as functions } from "@azure/functions";
import { app, logOf } from "../bindings.ts";
import { checkBaseImages } from "../handlers/check-base-images.ts";

functions.timer("check-base-images", {
  schedule: "%SLIPWAY_BASE_CHECK_SCHEDULE%",
  handler: async (_timer, context) => checkBaseImages(app().checkBases(logOf(context))),
});
