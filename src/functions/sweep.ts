import { app as functions } from "@azure/functions";
import { app, logOf } from "../bindings.ts";
import { sweep } from "../handlers/sweep.ts";

functions.timer("sweep", {
  schedule: "%SLIPWAY_SWEEP_SCHEDULE%",
  handler: async (_timer, context) => sweep(app().sweep(logOf(context))),
});
