import { setTimeout as wait } from "node:timers/promises";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Context, Hono } from "hono";
import type { Bindings } from "../../http.ts";
import type { TokenVerifier } from "../../identity/start-identity.ts";
import type { FaultAction, Faults } from "../faults.ts";
import { checkApiVersion } from "./api-version.ts";
import { ArmError, errorResponse, notFound } from "./arm-error.ts";
import { authenticate } from "./authenticate.ts";
import type { RegistryContext } from "./registry-context.ts";
import { RateLimitHeaders, requestIds } from "./response-headers.ts";
import { type Route, routes } from "./routes.ts";

export interface ArmSurroundings {
  readonly registry: RegistryContext;
  readonly identity: TokenVerifier;
  readonly faults: Faults;
}

const registryPath =
  "/subscriptions/:subscription/resourcegroups/:group/providers/microsoft.containerregistry/registries/:registry";

/** The part of Azure Resource Manager that stands before one registry. Paths are matched in lower case, as ARM ignores case. */
export function armApp(on: ArmSurroundings): Hono<Bindings> {
  const app = new Hono<Bindings>({ getPath: (request) => new URL(request.url).pathname.toLowerCase() });
  const limits = new RateLimitHeaders();

  app.use(async (c, next) => {
    await next();
    const headers = { ...requestIds(c.req.header("x-ms-correlation-request-id")), ...limits.count(c.req.method) };
    for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value);
  });
  for (const route of routes) app.on(route.method, registryPath + route.path, (c) => answer(c, route, on));
  app.notFound(() => errorResponse(new ArmError(404, "InvalidResourceType", notEmulated).answer));
  app.onError((error) => {
    if (error instanceof ArmError) return errorResponse(error.answer);
    console.error("acr: a request failed inside the twin", error);
    return errorResponse({ status: 500, code: "InternalServerError", message: error.message });
  });
  return app;
}

const notEmulated = "The local twin does not emulate this resource or operation.";

async function answer(c: Context<Bindings>, route: Route, on: ArmSurroundings): Promise<Response> {
  checkApiVersion(c.req.query("api-version"), route.versions);
  authenticate(c.req.header("authorization"), on.identity, new URL(c.req.url).origin);
  const fault = on.faults.strike(route.operation, c.req.param("runid"));
  if (fault?.kind === "refuse") throw errorOf(fault);
  if (fault?.kind === "cut" && fault.when === "before") return cut(c);
  if (fault?.kind === "delay") await wait(fault.ms);

  checkScope(c, on.registry);
  const response = await route.handle(c, on.registry);
  if (fault?.kind === "do-then-answer") throw errorOf(fault);
  return fault?.kind === "cut" ? cut(c) : response;
}

function errorOf({ answer }: FaultAction & { kind: "refuse" | "do-then-answer" }): ArmError {
  return new ArmError(answer.status, answer.code, answer.message, answer.headers);
}

/** The caller sees a connection that breaks instead of an answer. */
function cut(c: Context<Bindings>): Response {
  c.env.incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}

function checkScope(c: Context<Bindings>, registry: RegistryContext): void {
  const { subscription, group, registry: name } = c.req.param() as Record<string, string>;
  if (subscription !== registry.subscriptionId.toLowerCase()) {
    throw new ArmError(404, "SubscriptionNotFound", `The subscription '${subscription}' could not be found.`);
  }
  if (group !== registry.resourceGroup.toLowerCase()) {
    throw new ArmError(404, "ResourceGroupNotFound", `Resource group '${group}' could not be found.`);
  }
  if (name !== registry.name.toLowerCase()) {
    const resource = `Microsoft.ContainerRegistry/registries/${name}`;
    throw notFound(`The Resource '${resource}' under resource group '${registry.resourceGroup}' was not found.`);
  }
}
