import type { Context, Hono } from "hono";
import type { Bindings } from "../http.ts";
import type { RegistryAuth } from "./auth/registry-auth.ts";
import type { Scope } from "./auth/scope.ts";
import type { Limits, Operations } from "./limits.ts";
import { checkRepository } from "./names.ts";
import { RegistryError } from "./registry-error.ts";
import type { RegistryStore } from "./registry-store.ts";
import type { Access, Operation } from "./routes/route.ts";
import { routes } from "./routes/routes.ts";

export interface Serving {
  readonly store: RegistryStore;
  readonly auth: RegistryAuth;
  readonly limits: Limits | undefined;
  readonly loginServer: () => string;
}

/** Mounts the distribution API and ACR's own: find the route, check the name, check the right, count it, do it. */
export function serveRoutes(app: Hono<Bindings>, { store, auth, limits, loginServer }: Serving): void {
  const answer = async (c: Context<Bindings>): Promise<Response> => {
    const { operation, name, reference } = find(c.req.method, new URL(c.req.url).pathname);
    const repository = operation.access === "any" || operation.access === "catalog" ? "" : checkRepository(name);
    const authorization = c.req.header("Authorization");
    const secure = new URL(c.req.url).protocol === "https:";
    const caller = auth.check(authorization, neededScope(operation.access, repository), secure);
    const from = c.req.query("from");
    if (c.req.query("mount") && from) auth.check(authorization, neededScope("pull", checkRepository(from)));
    limits?.take(operation.counts ?? countedAs[operation.access], caller);
    const response = await operation.handle({ c, store, loginServer: loginServer(), repository, reference });
    response.headers.set("Docker-Distribution-Api-Version", "registry/2.0");
    return response;
  };
  for (const path of ["/v2", "/v2/*", "/acr/v1/*"]) app.all(path, answer);
}

const countedAs: Readonly<Record<Access, Operations>> = {
  any: "read",
  pull: "read",
  catalog: "read",
  metadata_read: "read",
  push: "write",
  metadata_write: "write",
  delete: "delete",
};

function find(method: string, path: string): { operation: Operation; name: string; reference: string } {
  for (const { pattern, operations } of routes) {
    const match = pattern.exec(path);
    if (!match) continue;
    const operation = operations[method] ?? (method === "HEAD" ? operations.GET : undefined);
    if (!operation) {
      const allowed = Object.keys(operations);
      if (operations.GET) allowed.push("HEAD");
      const headers = { Allow: allowed.join(", ") };
      throw new RegistryError(405, "UNSUPPORTED", `${method} is not supported here`, { headers });
    }
    return { operation, name: decode(match[1] ?? ""), reference: decode(match[2] ?? "") };
  }
  throw new RegistryError(404, "NAME_UNKNOWN", "no such path");
}

/** Some clients send the colon of a digest as %3A, and Azure's SDKs the slashes of a repository as %2F. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function neededScope(access: Access, repository: string): Scope | undefined {
  switch (access) {
    case "any":
      return undefined;
    case "catalog":
      return { type: "registry", name: "catalog", actions: ["*"] };
    case "push":
      return { type: "repository", name: repository, actions: ["pull", "push"] };
    default:
      return { type: "repository", name: repository, actions: [access] };
  }
}
