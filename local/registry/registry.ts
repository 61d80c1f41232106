import { join } from "node:path";
import { Hono } from "hono";
import { type Bindings, listen } from "../http.ts";
import { type AuthOptions, RegistryAuth } from "./auth/registry-auth.ts";
import { addTokenEndpoints } from "./auth/token-endpoints.ts";
import { Tokens } from "./auth/tokens.ts";
import { errorResponse, RegistryError } from "./registry-error.ts";
import { type RegistryEvent, registryEvent } from "./registry-event.ts";
import { RegistryStore } from "./registry-store.ts";
import { serveDistribution } from "./serve-distribution.ts";
import { Uploads } from "./uploads.ts";

export interface RegistryOptions {
  /** Everything the registry knows lives here. */
  readonly dir: string;
  /** Any free one when not given. */
  readonly port?: number;
  /** Open to everybody on this machine when not given. */
  readonly auth?: AuthOptions;
}

export interface LocalRegistry {
  readonly url: string;
  /** `127.0.0.1:PORT`: what stands before the repository in an image reference. */
  readonly loginServer: string;
  readonly store: RegistryStore;
  /** Told of each push and delete, in ACR's words, once it is on disk. Returns how to stop listening. */
  onEvent(listener: (event: RegistryEvent) => void): () => void;
  close(): Promise<void>;
}

/** Serves an OCI registry on loopback. */
export async function startRegistry({ dir, port = 0, auth }: RegistryOptions): Promise<LocalRegistry> {
  const store = new RegistryStore(dir);
  const uploads = new Uploads(join(dir, "uploads"));
  await uploads.removeAbandoned(Date.now());
  let loginServer = "";
  const tokens = new Tokens(dir, () => loginServer);
  const registryAuth = new RegistryAuth(auth ?? { mode: "open" }, tokens, () => loginServer);

  const app = new Hono<Bindings>();
  app.onError((error, c) => {
    c.env.incoming.resume();
    if (error instanceof RegistryError) return errorResponse(error);
    console.error("registry:", error);
    return Response.json({ errors: [{ code: "UNKNOWN", message: "unknown error" }] }, { status: 500 });
  });
  app.notFound(() => errorResponse(new RegistryError(404, "NAME_UNKNOWN", "no such path")));
  addTokenEndpoints(app, registryAuth, tokens, () => loginServer);
  serveDistribution(app, store, uploads, registryAuth);

  const server = await listen(app, port);
  loginServer = `127.0.0.1:${server.port}`;
  return {
    url: server.url,
    loginServer,
    store,
    onEvent: (listener) => store.onChange((change) => listener(registryEvent(change, loginServer, new Date()))),
    close: () => server.close(),
  };
}
