/** The bundle's entry: registers every function, and fails at once when a setting is missing. */
import "./functions/receive-github-delivery.ts";
import "./functions/receive-registry-event.ts";
import "./functions/resolve-event.ts";
import "./functions/reconcile-registry.ts";
import "./functions/run-work.ts";
import "./functions/report-run.ts";
import "./functions/check-base-images.ts";
import "./functions/sweep.ts";
import "./functions/read-api.ts";
import "./functions/write-api.ts";
import { app } from "./bindings.ts";

app();
