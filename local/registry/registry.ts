import { Hono } from "hono";
import { Clock } from "../clock.ts";
import { type Bindings, listen, type Tls } from "../http.ts";
import { type HttpFault, misbehaving } from "../http-faults.ts";
import { type AuthOptions, RegistryAuth } from "./auth/registry-auth.ts";
import { addTokenEndpoints } from "./auth/token-endpoints.ts";
import { Tokens } from "./auth/tokens.ts";
import type { LedgerEntry } from "./ledger.ts";
import { type LimitOptions, Limits, tooMany } from "./limits.ts";
import { isTold } from "./registry-change.ts";
import { errorResponse, RegistryError } from "./registry-error.ts";
import { type RegistryEvent, registryEvent } from "./registry-event.ts";
import { RegistryStore } from "./registry-store.ts";
import { serveRoutes } from "./serve-routes.ts";

export interface RegistryOptions {
  /** Everything the registry knows lives here. One process at a time. */
  readonly dir: string;
  /** Any free one when not given. */
  readonly port?: number;
  /** Open to everybody on this machine when not given. */
  readonly auth?: AuthOptions;
  /** A tier's request rates; none when not given. */
  readonly limits?: LimitOptions;
  /** Of times written and tokens' lives. */
  readonly clock?: Clock;
  /** Over https, which is all that `az` knows; with `plainToo` over http as well, and `url` is that of http. */
  readonly tls?: Tls;
}

export interface LocalRegistry {
  readonly url: string;
  /** `127.0.0.1:PORT`: what stands before the repository in an image reference. */
  readonly loginServer: string;
  readonly store: RegistryStore;
  /** Change it to switch between open and token, or the admin user; the options given are copied. */
  readonly auth: AuthOptions;
  /** What goes wrong on purpose: empty until something is pushed. Nothing here outlives the process. */
  readonly faults: HttpFault[];
  /** Every change there was, oldest first; `ledger.jsonl` in the folder holds the same. */
  ledger(): LedgerEntry[];
  /** Told of each push and delete, in ACR's words, once it is on disk. Returns how to stop listening. */
  onEvent(listener: (event: RegistryEvent) => void): () => void;
  close(): Promise<void>;
}

/** Serves an OCI registry with ACR's own API on loopback. */
export async function startRegistry({
  dir,
  port = 0,
  auth,
  limits,
  tls,
  clock = new Clock(),
}: RegistryOptions): Promise<LocalRegistry> {
  const store = new RegistryStore(dir, clock);
  await store.uploads.removeAbandoned(Date.now());
  let url = "";
  const loginServer = () => new URL(url).host;
  const tokens = new Tokens(dir, loginServer, clock);
  const authOptions: AuthOptions = { mode: "open", ...auth };
  const registryAuth = new RegistryAuth(authOptions, tokens, () => url);
  const rates = limits && new Limits({ now: () => clock.now(), ...limits });
  const faults: HttpFault[] = [];

  const app = new Hono<Bindings>();
  app.onError((error, c) => {
    c.env.incoming.resume();
    if (error instanceof RegistryError) return errorResponse(error);
    console.error("registry:", error);
    return errorResponse(new RegistryError(500, "UNKNOWN", "unknown error"));
  });
  app.notFound(() => errorResponse(new RegistryError(404, "NAME_UNKNOWN", "no such path")));
  app.use(
    misbehaving(
      () => faults,
      (status, retryAfter) => errorResponse(errorOf(status, retryAfter)),
    ),
  );
  addTokenEndpoints(app, registryAuth, tokens, loginServer, rates);
  serveRoutes(app, { store, auth: registryAuth, limits: rates, loginServer });

  const server = await listen(app, port, tls);
  url = server.url;
  return {
    url,
    loginServer: loginServer(),
    store,
    auth: authOptions,
    faults,
    ledger: () => store.ledger(),
    onEvent: (listener) =>
      store.onChange((change) => {
        if (isTold(change)) listener(registryEvent(change, loginServer(), clock.date()));
      }),
    close: () => server.close(),
  };
}

function errorOf(status: number, retryAfter?: number): RegistryError {
  if (status === 429) return tooMany(retryAfter);
  const headers: Record<string, string> = retryAfter === undefined ? {} : { "Retry-After": String(retryAfter) };
  return new RegistryError(status, "UNKNOWN", "unknown error", { headers });
}
