import type { Context, Hono } from "hono";
import type { Bindings } from "../http.ts";
import type { RegistryAuth } from "./auth/registry-auth.ts";
import type { Scope } from "./auth/scope.ts";
import { checkRepository } from "./names.ts";
import { RegistryError } from "./registry-error.ts";
import type { RegistryStore } from "./registry-store.ts";
import type { Access, Operation } from "./routes/route.ts";
import { routes } from "./routes/routes.ts";
import type { Uploads } from "./uploads.ts";

/** Mounts the OCI distribution API under /v2/: find the route, check the name, check the right, do it. */
export function serveDistribution(app: Hono<Bindings>, store: RegistryStore, uploads: Uploads, auth: RegistryAuth) {
  const answer = async (c: Context<Bindings>): Promise<Response> => {
    const { operation, name, reference } = find(c.req.method, new URL(c.req.url).pathname);
    const repository = operation.access === "any" || operation.access === "catalog" ? "" : checkRepository(name);
    const authorization = c.req.header("Authorization");
    auth.check(authorization, neededScope(operation.access, repository));
    const from = c.req.query("from");
    if (c.req.query("mount") && from) auth.check(authorization, neededScope("pull", checkRepository(from)));
    const response = await operation.handle({ c, store, uploads, repository, reference });
    response.headers.set("Docker-Distribution-Api-Version", "registry/2.0");
    return response;
  };
  app.all("/v2", answer);
  app.all("/v2/*", answer);
}

function find(method: string, path: string): { operation: Operation; name: string; reference: string } {
  for (const { pattern, operations } of routes) {
    const match = pattern.exec(path);
    if (!match) continue;
    const operation = operations[method];
    if (!operation) throw new RegistryError(405, "UNSUPPORTED", `${method} is not supported here`);
    return { operation, name: match[1] ?? "", reference: decode(match[2] ?? "") };
  }
  throw new RegistryError(404, "NAME_UNKNOWN", "no such path");
}

/** Some clients send the colon of a digest as %3A. */
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
