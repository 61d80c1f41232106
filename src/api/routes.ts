/** Everything people can ask and tell, in one table. */
import type { InboxWriter } from "../handlers/inbox.ts";
import { accepting } from "./accept.ts";
import { decisionRoutes } from "./decision-routes.ts";
import { failureRequests, failureRoutes } from "./failure-routes.ts";
import { graphRoutes } from "./graph.ts";
import { type HealthPorts, healthRoutes } from "./health.ts";
import type { HistoryPorts } from "./history.ts";
import { holdRequests, holdRoutes } from "./hold-routes.ts";
import { imageRequests, imageRoutes } from "./image-routes.ts";
import { type PlanPorts, planRoutes } from "./plan-routes.ts";
import type { Route } from "./route.ts";
import type { LogPorts } from "./run-log.ts";
import { runRequests, runRoutes } from "./run-routes.ts";
import { waveRoutes } from "./waves.ts";
import { whyRoutes } from "./why.ts";

export type ReadPorts = HistoryPorts & HealthPorts & LogPorts & { now(): number };
export type WritePorts = InboxWriter & PlanPorts;

export function readRoutes(ports: ReadPorts): readonly Route[] {
  return [
    ...runRoutes(ports),
    ...imageRoutes(ports),
    ...graphRoutes(ports),
    ...waveRoutes(ports),
    ...holdRoutes(ports),
    ...decisionRoutes(ports),
    ...whyRoutes(ports),
    ...healthRoutes(ports),
    ...failureRoutes(ports),
  ];
}

export function writeRoutes(ports: WritePorts): readonly Route[] {
  const accept = accepting(ports);
  return [
    ...runRequests(ports, accept),
    ...imageRequests(ports, accept),
    ...holdRequests(ports, accept),
    ...failureRequests(ports),
    ...planRoutes(ports),
  ];
}
