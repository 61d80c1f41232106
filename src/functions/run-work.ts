import { app as functions } from "@azure/functions";
import { app, logOf } from "../bindings.ts";
import { RunWork } from "../handlers/messages.ts";
import { withRetries } from "../handlers/retry.ts";
import { giveUpRunWork, runWork } from "../handlers/run-work.ts";

functions.storageQueue("run-work", {
  queueName: "run-work",
  connection: "SlipwayStorage",
  handler: async (message, context) => {
    const work = RunWork.parse(message);
    const ports = await app().runWork(work.registry, logOf(context));
    await withRetries(
      "run-work",
      work,
      ports,
      (again) => runWork(again, ports),
      (again, error) => giveUpRunWork(again, error, ports),
    );
  },
});
