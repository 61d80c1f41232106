import { setTimeout as wait } from "node:timers/promises";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { EventGrid } from "../../event-grid/event-grid.ts";
import { validationPath } from "../../event-grid/validation-path.ts";
import type { Bindings } from "../../http.ts";
import type { TokenVerifier } from "../../identity/start-identity.ts";
import type { FaultAction, Faults } from "../faults.ts";
import { checkApiVersion } from "./api-version.ts";
import { ArmError, errorResponse, notFound } from "./arm-error.ts";
import { authenticate } from "./authenticate.ts";
import { cloudMetadata } from "./cloud-metadata.ts";
import type { Directory } from "./directory.ts";
import { Operations } from "./operations.ts";
import type { RegistryContext } from "./registry-context.ts";
import { type Buckets, RateLimits, requestIds } from "./response-headers.ts";
import type { Arm, ArmRoute, Call, Route } from "./route.ts";
import { armRoutes, routes } from "./routes.ts";
import { storageFront } from "./storage-front.ts";
import { groupNotFound } from "./subscription-routes.ts";

interface ArmSurroundings {
  readonly directory: Directory;
  readonly identity: TokenVerifier;
  readonly faults: Faults;
  readonly eventGrid: EventGrid;
  /** Of the storage account, without a key. */
  readonly blobUrl: string;
  readonly throttling?: Partial<Buckets>;
}

const registryPath =
  "/subscriptions/:subscription/resourcegroups/:group/providers/microsoft.containerregistry/registries/:registry";

/** Azure Resource Manager as far as a registry needs it. Paths are matched in lower case, as ARM ignores case. */
export function armApp(on: ArmSurroundings): Hono<Bindings> {
  const app = new Hono<Bindings>({ getPath: (request) => new URL(request.url).pathname.toLowerCase() });
  const limits = new RateLimits(on.throttling);
  const operations = new Operations();

  // Before ARM's own rates: storage has none of them.
  app.route("/", storageFront(on.blobUrl));
  app.use(async (c, next) => {
    const { headers, refusal } = limits.take(c.req.raw.method);
    if (refusal) c.res = errorResponse(refusal.answer);
    else await next();
    const all = { ...requestIds(c.req.header("x-ms-correlation-request-id")), ...headers };
    for (const [name, value] of Object.entries(all)) c.res.headers.set(name, value);
  });
  app.route("/", validationPath(on.eventGrid));
  app.route("/", cloudMetadata(on.identity.authority));
  for (const route of armRoutes) {
    app.on(route.method, route.path, (c) => answer(c, route, on, operations, (arm) => atArm(c, route, arm)));
  }
  for (const route of routes) {
    const path = registryPath + route.path;
    app.on(route.method, path, (c) => answer(c, route, on, operations, (arm) => atRegistry(c, route, arm)));
  }
  app.notFound(() => errorResponse(new ArmError(404, "InvalidResourceType", notEmulated).answer));
  app.onError((error) => {
    if (error instanceof ArmError) return errorResponse(error.answer);
    console.error("acr: a request failed inside the twin", error);
    return errorResponse({ status: 500, code: "InternalServerError", message: error.message });
  });
  return app;
}

const notEmulated = "The local twin does not emulate this resource or operation.";

type Handling = (arm: Arm) => Response | Promise<Response>;

async function answer(
  c: Call,
  route: Route | ArmRoute,
  on: ArmSurroundings,
  operations: Operations,
  handle: Handling,
): Promise<Response> {
  checkApiVersion(c.req.query("api-version"), route.versions);
  const caller = authenticate(c.req.header("authorization"), on.identity, new URL(c.req.url).origin);
  const fault = on.faults.strike(route.operation, c.req.param("runid"));
  if (fault?.kind === "refuse") throw errorOf(fault);
  if (fault?.kind === "cut" && fault.when === "before") return cut(c);
  if (fault?.kind === "delay") await wait(fault.ms);

  const response = await handle({ directory: on.directory, operations, eventGrid: on.eventGrid, caller });
  if (fault?.kind === "do-then-answer") throw errorOf(fault);
  return fault?.kind === "cut" ? cut(c) : response;
}

function errorOf({ answer }: FaultAction & { kind: "refuse" | "do-then-answer" }): ArmError {
  return new ArmError(answer.status, answer.code, answer.message, answer);
}

/** The caller sees a connection that breaks instead of an answer. */
function cut(c: Call): Response {
  c.env.incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}

function atArm(c: Call, route: ArmRoute, arm: Arm): Response | Promise<Response> {
  checkScope(c, arm.directory, route.makesGroup);
  return route.handle(c, arm);
}

function atRegistry(c: Call, route: Route, arm: Arm): Response | Promise<Response> {
  checkScope(c, arm.directory);
  return route.handle(c, findRegistry(c, arm.directory), arm);
}

function checkScope(c: Call, directory: Directory, makesGroup?: true): void {
  const { subscription, group } = c.req.param() as Record<string, string | undefined>;
  if (subscription !== undefined && subscription !== directory.subscriptionId.toLowerCase()) {
    throw new ArmError(404, "SubscriptionNotFound", `The subscription '${subscription}' could not be found.`);
  }
  if (group !== undefined && !makesGroup && !directory.group(group)) throw groupNotFound(group);
}

function findRegistry(c: Call, directory: Directory): RegistryContext {
  const { group, registry: name } = c.req.param() as Record<string, string>;
  const registry = directory.registry(name!);
  if (registry && registry.resourceGroup.toLowerCase() === group) return registry;
  const resource = `Microsoft.ContainerRegistry/registries/${name}`;
  throw notFound(`The Resource '${resource}' under resource group '${group}' was not found.`);
}
