import { createHash, timingSafeEqual } from "node:crypto";
import { RegistryError } from "../registry-error.ts";
import { covers, formatScope, type Scope } from "./scope.ts";
import type { Tokens } from "./tokens.ts";

/** May be changed while the registry runs; the next request is judged by it. */
export interface AuthOptions {
  /** `open`: nobody is asked for anything. `token`: ACR's rules. */
  mode: "open" | "token";
  /** May callers without credentials get tokens to read with? Yes unless said; ACR's default is no. */
  anonymousPull?: boolean;
  /** Is this Microsoft Entra access token good? Without it, any non-empty one is. */
  readonly verifyAadToken?: (token: string) => boolean;
  /** The registry's admin user, when enabled. */
  admin?: { readonly username: string; readonly password: string };
}

/** The user name that goes with a refresh token, in `docker login` after `az acr login` and in the SDKs. */
const refreshTokenUser = "00000000-0000-0000-0000-000000000000";

/** Who somebody is to the registry: a signed-in caller may do all, anybody else may read. */
export type Caller = { readonly kind: "known"; readonly sub: string } | { readonly kind: "anonymous" };

/** Decides who a request comes from and what it may do. */
export class RegistryAuth {
  readonly #options: AuthOptions;
  readonly #tokens: Tokens;
  readonly #url: () => string;

  constructor(options: AuthOptions, tokens: Tokens, url: () => string) {
    this.#options = options;
    this.#tokens = tokens;
    this.#url = url;
  }

  get admitsAnonymous(): boolean {
    return this.#options.anonymousPull ?? true;
  }

  acceptsAadToken(token: string): boolean {
    return token !== "" && (this.#options.verifyAadToken?.(token) ?? true);
  }

  /** A user name and password: the admin's, or a refresh token under its well-known user name. */
  signIn(username: string, password: string): Caller | undefined {
    if (username === refreshTokenUser) return this.fromRefreshToken(password);
    const { admin } = this.#options;
    const matches = admin && same(username, admin.username) && same(password, admin.password);
    return matches ? { kind: "known", sub: username } : undefined;
  }

  fromRefreshToken(token: string): Caller | undefined {
    const claims = this.#tokens.verify(token, "refresh_token");
    return claims && { kind: "known", sub: claims.sub };
  }

  /** An access token with as much of what was asked for as the caller may have; scopes with nothing left are dropped. */
  grant(caller: Caller, asked: readonly Scope[]): string {
    if (caller.kind === "known") return this.#tokens.accessToken(caller.sub, asked);
    return this.#tokens.accessToken("anonymous", asked.flatMap(readable));
  }

  /** Returns who it is; throws 401 with the challenge of the token spec unless the request may do what it needs. `secure`: over https. */
  check(authorization: string | undefined, needed: Scope | undefined, secure = false): string {
    if (this.#options.mode === "open") {
      // Nobody is refused anything, but `az` and docker ask here where tokens are had, and `az` goes no further untold.
      if (secure && needed === undefined && !authorization) throw this.#challenge(undefined);
      return "anybody";
    }
    const [scheme = "", credentials = ""] = (authorization ?? "").split(/ +(.*)/s);
    if (scheme.toLowerCase() === "basic") {
      const basic = decodeBasic(credentials);
      const caller = basic && this.signIn(basic.username, basic.password);
      if (caller?.kind === "known") return caller.sub;
    }
    if (scheme.toLowerCase() === "bearer") {
      const claims = this.#tokens.verify(credentials, "access_token");
      if (claims && (needed === undefined || covers(claims.access, needed))) return claims.sub;
      throw this.#challenge(needed, claims ? "insufficient_scope" : "invalid_token");
    }
    // As recorded: also when no token was sent, but not at /v2/ itself.
    throw this.#challenge(needed, needed && "invalid_token");
  }

  #challenge(needed: Scope | undefined, error?: string): RegistryError {
    const url = this.#url();
    const scope = needed ? `,scope="${formatScope(needed)}"` : "";
    const why = error ? `,error="${error}"` : "";
    return new RegistryError(401, "UNAUTHORIZED", authenticationRequired, {
      detail: needed && [{ Type: needed.type, Name: needed.name, Action: needed.actions[0] }],
      headers: {
        "WWW-Authenticate": `Bearer realm="${url}/oauth2/token",service="${new URL(url).host}"${scope}${why}`,
      },
    });
  }
}

const authenticationRequired = "authentication required, visit https://aka.ms/acr/authorization for more information.";

/** What of a scope an anonymous caller may have: pull, metadata and the catalog. */
function readable(scope: Scope): Scope[] {
  if (scope.type === "registry") return scope.name === "catalog" ? [scope] : [];
  const actions = ["pull", "metadata_read"].filter(
    (action) => scope.actions.includes(action) || scope.actions.includes("*"),
  );
  return actions.length === 0 ? [] : [{ ...scope, actions }];
}

export function decodeBasic(credentials: string): { username: string; password: string } | undefined {
  const text = Buffer.from(credentials, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Constant time whatever the lengths. */
function same(a: string, b: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
