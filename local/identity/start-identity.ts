import { join } from "node:path";
import { type Context, Hono } from "hono";
import { Clock } from "../clock.ts";
import { type Bindings, listen, type Tls } from "../http.ts";
import { StateFile } from "../state-file.ts";
import { findPrincipal, type IdentityState, newIdentityState, type Principal } from "./principal.ts";
import { authorityPath, clientSecret, signInRoutes } from "./sign-in.ts";
import { signToken, type Verified, verifyToken } from "./token.ts";

export interface IdentityOptions {
  /** Where keys and ids are kept, so that a restart changes neither. */
  readonly dir: string;
  readonly port?: number;
  /** With it, `az` can sign in, over https on the same port. */
  readonly tls?: Omit<Tls, "plainToo">;
  /** By which tokens are dated and judged. */
  readonly clock?: Clock;
  /** Used when `dir` holds no state yet. */
  readonly userAssigned?: readonly Principal[];
  /** Azure's managed identity tokens live about a day. */
  readonly tokenLifetimeSeconds?: number;
}

/** Who may ask whether a token is one of ours. */
export interface TokenVerifier {
  verify(token: string): Verified;
  /** Where people and programs sign in, for those who ask ARM; absent without a certificate. */
  readonly authority?: string;
}

export interface LocalIdentity extends TokenVerifier {
  readonly url: string;
  /** `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`, as App Service and Functions set them for an app with an identity. */
  readonly env: Readonly<Record<"IDENTITY_ENDPOINT" | "IDENTITY_HEADER", string>>;
  readonly tenantId: string;
  readonly systemAssigned: Principal;
  /** The password for `az login --service-principal`, of the system-assigned identity unless another is named. */
  clientSecret(principal?: Principal): string;
  /** Signs a token without the HTTP round trip, for emulators that call each other. */
  issue(resource: string, principal?: Principal): string;
  close(): Promise<void>;
}

const dayInSeconds = 24 * 60 * 60;

/**
 * The token endpoint App Service puts beside an app with a managed identity, on plain http and loopback as there.
 * https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 */
export async function startIdentity(options: IdentityOptions): Promise<LocalIdentity> {
  const file = new StateFile(join(options.dir, "identity.json"), () => newIdentityState(options.userAssigned ?? []));
  file.save();
  const state = file.value;
  const lifetime = options.tokenLifetimeSeconds ?? dayInSeconds;
  const { clock = new Clock() } = options;
  const nowInSeconds = () => Math.floor(clock.now() / 1000);

  const app = new Hono<Bindings>();
  app.get("/msi/token", (c) => answerToken(c, state, nowInSeconds(), lifetime));
  let secureUrl = "";
  if (options.tls) {
    const issue = (principal: Principal, resource: string) =>
      issueToken(state, principal, resource, nowInSeconds(), lifetime);
    app.route("/", signInRoutes({ state, lifetimeSeconds: lifetime, url: () => secureUrl, issue }));
  }
  const server = await listen(app, options.port ?? 0, options.tls && { ...options.tls, plainToo: true });
  secureUrl = `https://127.0.0.1:${server.port}`;

  return {
    url: server.url,
    env: { IDENTITY_ENDPOINT: `${server.url}/msi/token`, IDENTITY_HEADER: state.headerSecret },
    ...(options.tls && { authority: `${secureUrl}${authorityPath}` }),
    tenantId: state.tenantId,
    systemAssigned: state.systemAssigned,
    clientSecret: (principal) => clientSecret(state, principal ?? state.systemAssigned),
    verify: (token) => verifyToken(token, state.signingKey, nowInSeconds()),
    issue: (resource, principal) =>
      issueToken(state, principal ?? state.systemAssigned, resource, nowInSeconds(), lifetime),
    close: () => server.close(),
  };
}

/**
 * Two dialects: 2019-08-01 with `X-IDENTITY-HEADER`, `client_id` and Unix seconds, which @azure/identity speaks; and the
 * older 2017-09-01 with `Secret`, `clientid` and a written date.
 */
function answerToken(c: Context<Bindings>, state: IdentityState, now: number, lifetime: number): Response {
  const version = c.req.query("api-version");
  if (version !== "2019-08-01" && version !== "2017-09-01") {
    return c.json({ statusCode: 400, message: `The api-version '${version ?? ""}' is not supported.` }, 400);
  }
  const old = version === "2017-09-01";
  const secret = c.req.header(old ? "Secret" : "X-IDENTITY-HEADER");
  if (secret !== state.headerSecret) return c.json({ statusCode: 401, message: "Unauthorized" }, 401);

  const resource = c.req.query("resource");
  if (!resource) return c.json({ statusCode: 400, message: "The 'resource' parameter is required." }, 400);
  const principal = findPrincipal(state, {
    clientId: c.req.query(old ? "clientid" : "client_id"),
    objectId: c.req.query("principal_id") ?? c.req.query("object_id"),
    resourceId: c.req.query("mi_res_id"),
  });
  if (!principal) {
    const message =
      "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.";
    return c.json({ statusCode: 400, message }, 400);
  }

  return c.json({
    access_token: issueToken(state, principal, resource, now, lifetime),
    expires_on: old ? writtenDate(now + lifetime) : String(now + lifetime),
    resource,
    token_type: "Bearer",
    client_id: principal.clientId,
  });
}

function issueToken(
  state: IdentityState,
  principal: Principal,
  resource: string,
  now: number,
  lifetime: number,
): string {
  return signToken(
    {
      aud: resource,
      iss: `https://sts.windows.net/${state.tenantId}/`,
      iat: now,
      // Entra dates tokens five minutes back, so that clocks may differ a little.
      nbf: now - 300,
      exp: now + lifetime,
      appid: principal.clientId,
      oid: principal.objectId,
      sub: principal.objectId,
      tid: state.tenantId,
      idtyp: "app",
      ver: "1.0",
    },
    state.signingKey,
  );
}

/** `09/14/2017 12:00:00 AM +00:00`, the form of the 2017-09-01 dialect. */
function writtenDate(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const hour = date.getUTCHours();
  const day = `${two(date.getUTCMonth() + 1)}/${two(date.getUTCDate())}/${date.getUTCFullYear()}`;
  const time = `${two(hour % 12 || 12)}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${day} ${time} ${hour < 12 ? "AM" : "PM"} +00:00`;
}
