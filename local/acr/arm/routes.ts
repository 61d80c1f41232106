import { webhookRoutes } from "../webhooks/webhook-routes.ts";
import { eventGridArmRoutes, eventSubscriptionRoutes } from "./event-subscription-routes.ts";
import { registryRoutes, registryTypeRoutes } from "./registry-routes.ts";
import type { ArmRoute, Route } from "./route.ts";
import { runRoutes } from "./run-routes.ts";
import { subscriptionRoutes } from "./subscription-routes.ts";
import { taskRoutes } from "./task-routes.ts";
import { taskRunRoutes } from "./task-run-routes.ts";

/** Everything behind a registry's resource id. */
export const routes: readonly Route[] = [
  ...registryRoutes,
  ...runRoutes,
  ...taskRoutes,
  ...taskRunRoutes,
  ...webhookRoutes,
  ...eventSubscriptionRoutes,
];

/** Everything else that ARM answers. */
export const armRoutes: readonly ArmRoute[] = [...registryTypeRoutes, ...subscriptionRoutes, ...eventGridArmRoutes];
