import { createHmac, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Bindings } from "../http.ts";
import { findPrincipal, type IdentityState, type Principal } from "./principal.ts";

/**
 * An authority in the style of AD FS, which is how Azure Stack Hub signs people in. Of all authorities, Microsoft's sign-in
 * library (MSAL) asks login.microsoftonline.com whether it knows them, except those whose path is `/adfs`.
 */
export const authorityPath = "/adfs";

/** The password with which an identity signs in as a service principal; the same over restarts, and different in every twin. */
export function clientSecret(state: IdentityState, { clientId }: Principal): string {
  return createHmac("sha256", state.signingKey).update(`client secret of ${clientId}`).digest("base64url");
}

export interface SignIn {
  readonly state: IdentityState;
  readonly lifetimeSeconds: number;
  /** Where this is served, `https://127.0.0.1:PORT`. */
  readonly url: () => string;
  readonly issue: (principal: Principal, resource: string) => string;
}

/** Discovery (OpenID Connect) and tokens for client credentials (RFC 6749, 4.4): what `az login --service-principal` needs. */
export function signInRoutes({ state, lifetimeSeconds, url, issue }: SignIn): Hono<Bindings> {
  const app = new Hono<Bindings>();
  app.get(`${authorityPath}/.well-known/openid-configuration`, (c) => {
    const authority = `${url()}${authorityPath}`;
    return c.json({
      issuer: authority,
      authorization_endpoint: `${authority}/oauth2/authorize`,
      token_endpoint: `${authority}/oauth2/token`,
      grant_types_supported: ["client_credentials"],
      token_endpoint_auth_methods_supported: ["client_secret_post"],
    });
  });
  app.post(`${authorityPath}/oauth2/token`, bodyLimit({ maxSize: 64 * 1024 }), async (c) => {
    const form = Object.fromEntries(new URLSearchParams(await c.req.text()));
    const refuse = (error: string, error_description: string, status: 400 | 401 = 400) =>
      c.json({ error, error_description }, status);
    if (form.grant_type !== "client_credentials") {
      return refuse("unsupported_grant_type", "The local twin signs in service principals with a secret, nobody else.");
    }
    const principal = form.client_id ? findPrincipal(state, { clientId: form.client_id }) : undefined;
    if (!principal || !same(form.client_secret ?? "", clientSecret(state, principal))) {
      return refuse("invalid_client", "The client id is unknown to the local twin, or its secret is wrong.", 401);
    }
    const resource = resourceOf(form);
    if (!resource) return refuse("invalid_request", "One scope that ends in /.default, or a resource, is required.");
    const access_token = issue(principal, resource);
    return c.json({ token_type: "bearer", access_token, expires_in: lifetimeSeconds, resource });
  });
  return app;
}

/** `scope=https://management.azure.com//.default`, as MSAL writes it, is for `https://management.azure.com/`. */
function resourceOf({ scope = "", resource }: Record<string, string>): string | undefined {
  return resource || /(?:^| )(\S+)\/\.default(?: |$)/.exec(scope)?.[1];
}

/** Constant time: both are hashed, so lengths do not matter. */
function same(given: string, own: string): boolean {
  const hash = (text: string) => createHmac("sha256", "compare").update(text).digest();
  return timingSafeEqual(hash(given), hash(own));
}
