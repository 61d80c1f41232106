import { app as functions } from "@azure/functions";
import { app, logOf } from "../bindings.ts";
import { Report } from "../handlers/messages.ts";
import { reportRun } from "../handlers/report-run.ts";
import { withRetries } from "../handlers/retry.ts";

functions.storageQueue("report-run", {
  queueName: "reports",
  connection: "SlipwayStorage",
  handler: async (message, context) => {
    const log = logOf(context);
    const ports = app().report(log);
    await withRetries(
      "reports",
      Report.parse(message),
      { queues: app().queues, now: Date.now, log },
      (report) => reportRun(report, ports),
      async (report, error) => log("report given up", { report, why: error.message }),
    );
  },
});
