import type { Context } from "hono";
import type { EventGrid } from "../../event-grid/event-grid.ts";
import type { Bindings } from "../../http.ts";
import type { TokenClaims } from "../../identity/token.ts";
import type { Operation } from "../faults.ts";
import type { Versions } from "./api-version.ts";
import { badRequest, notFound } from "./arm-error.ts";
import type { Directory } from "./directory.ts";
import type { Operations } from "./operations.ts";
import type { RegistryContext } from "./registry-context.ts";

export type Call = Context<Bindings>;

/** ARM before the registries: what is there, what is going on, and who asks. */
export interface Arm {
  readonly directory: Directory;
  readonly operations: Operations;
  readonly eventGrid: EventGrid;
  readonly caller: TokenClaims;
}

interface RouteBase {
  readonly operation: Exclude<Operation, "execute">;
  readonly method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  readonly versions: Versions;
}

/** An operation on a registry that exists. */
export interface Route extends RouteBase {
  /** Behind the registry's resource id, in lower case: ARM does not tell cases apart in a path. */
  readonly path: string;
  readonly handle: (c: Call, registry: RegistryContext, arm: Arm) => Response | Promise<Response>;
}

/** An operation on anything else, such as a registry that is still to be made. */
export interface ArmRoute extends RouteBase {
  /** From the root, in lower case. `:subscription` and `:group`, where they stand, exist. */
  readonly path: string;
  /** Its `:group` may be missing. */
  readonly makesGroup?: true;
  readonly handle: (c: Call, arm: Arm) => Response | Promise<Response>;
}

export async function jsonBody(c: Call): Promise<unknown> {
  try {
    return await c.req.json();
  } catch {
    throw badRequest("The request content was invalid and could not be deserialized.");
  }
}

/** The name a PUT gives: the last part of the path, in the case it was written in. */
export function givenName(c: Call, pattern: RegExp, what: string): string {
  const name = decoded(new URL(c.req.url).pathname.split("/").at(-1) ?? "");
  if (!pattern.test(name)) throw badRequest(`The ${what} name '${name}' is invalid. It must match ${pattern.source}.`);
  return name;
}

/** What is not encoded well stays as it is: no name has a percent sign. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** What the path names, or 404. */
export function required<Resource>(
  resource: Resource | undefined,
  type: string,
  name: string,
  registry: RegistryContext,
): Resource {
  if (resource) return resource;
  const path = `Microsoft.ContainerRegistry/registries/${registry.name}/${type}/${name}`;
  throw notFound(`The Resource '${path}' under resource group '${registry.resourceGroup}' was not found.`);
}

/** Where a client learns how an operation goes: `operationStatuses` has a word for it, `operationResults` only a code. */
export function operationUrl(
  c: Call,
  registry: { readonly subscriptionId: string; readonly location: string },
  kind: "operationStatuses" | "operationResults",
  id: string,
): string {
  const provider = `/subscriptions/${registry.subscriptionId}/providers/Microsoft.ContainerRegistry`;
  const path = `${provider}/locations/${registry.location}/${kind}/${id}`;
  return `${new URL(c.req.url).origin}${path}?api-version=${c.req.query("api-version")}`;
}
