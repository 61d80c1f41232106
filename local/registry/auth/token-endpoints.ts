import type { Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Bindings } from "../../http.ts";
import type { Limits } from "../limits.ts";
import { RegistryError } from "../registry-error.ts";
import { type Caller, decodeBasic, type RegistryAuth } from "./registry-auth.ts";
import { parseScopes } from "./scope.ts";
import type { Tokens } from "./tokens.ts";

type Form = Readonly<Record<string, string>>;

/**
 * ACR's own token endpoints, https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md: a Microsoft Entra token buys a
 * refresh token, a refresh token buys access tokens for scopes. `GET /oauth2/token` is what Docker's client calls.
 */
export function addTokenEndpoints(
  app: Hono<Bindings>,
  auth: RegistryAuth,
  tokens: Tokens,
  loginServer: () => string,
  limits: Limits | undefined,
): void {
  app.use("/oauth2/*", bodyLimit({ maxSize: 64 * 1024 }));
  app.use("/oauth2/*", async (c, next) => {
    const left = limits?.take("oauth", "");
    await next();
    if (left !== undefined) c.header("x-ms-ratelimit-remaining-calls-per-second", left);
  });

  app.post("/oauth2/exchange", async (c) => {
    const form = await readForm(c);
    checkService(form.service, loginServer());
    if (form.grant_type !== "access_token" && form.grant_type !== "access_token_refresh_token") {
      throw badRequest("grant_type must be access_token");
    }
    if (!auth.acceptsAadToken(form.access_token ?? "")) throw unauthorized("the access token is not valid");
    return c.json({ refresh_token: tokens.refreshToken("aad") });
  });

  app.post("/oauth2/token", async (c) => {
    const form = await readForm(c);
    checkService(form.service, loginServer());
    const caller = callerOf(form, auth);
    if (!caller) throw unauthorized("the credentials are not valid");
    return c.json({ access_token: auth.grant(caller, parseScopes([form.scope ?? ""])) });
  });

  app.get("/oauth2/token", (c) => {
    checkService(c.req.query("service"), loginServer());
    const authorization = c.req.header("Authorization");
    const caller = authorization ? fromBasic(authorization, auth) : anonymous(auth);
    if (!caller) throw unauthorized("the credentials are not valid");
    return c.json({ access_token: auth.grant(caller, parseScopes(c.req.queries("scope") ?? [])) });
  });
}

function anonymous(auth: RegistryAuth): Caller | undefined {
  return auth.admitsAnonymous ? { kind: "anonymous" } : undefined;
}

function callerOf(form: Form, auth: RegistryAuth): Caller | undefined {
  switch (form.grant_type) {
    case "refresh_token":
      return auth.fromRefreshToken(form.refresh_token ?? "");
    case "password":
      // How Azure's SDKs ask without a credential.
      if (form.username === undefined && form.password === undefined) return anonymous(auth);
      return auth.signIn(form.username ?? "", form.password ?? "");
    default:
      throw badRequest("grant_type must be refresh_token or password");
  }
}

function fromBasic(authorization: string, auth: RegistryAuth): Caller | undefined {
  const basic = /^basic +(.+)$/i.exec(authorization);
  const credentials = basic && decodeBasic(basic[1]!);
  return credentials ? auth.signIn(credentials.username, credentials.password) : undefined;
}

async function readForm(c: Context<Bindings>): Promise<Form> {
  return Object.fromEntries(new URLSearchParams(await c.req.text()));
}

function checkService(service: string | undefined, loginServer: string): void {
  if (service !== loginServer) throw badRequest(`service must be ${loginServer}`);
}

function badRequest(message: string): RegistryError {
  return new RegistryError(400, "UNSUPPORTED", message);
}

function unauthorized(message: string): RegistryError {
  return new RegistryError(401, "UNAUTHORIZED", message);
}
