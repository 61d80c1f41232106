import { createHmac, timingSafeEqual } from "node:crypto";

/** The claims of a managed identity's access token that Azure Resource Manager and people looking at it care about. */
export interface TokenClaims {
  readonly aud: string;
  readonly iss: string;
  /** Seconds since 1970, as in RFC 7519. */
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  readonly appid: string;
  readonly oid: string;
  readonly sub: string;
  readonly tid: string;
  readonly idtyp: "app";
  readonly ver: "1.0";
}

export type Verified =
  | { readonly kind: "valid"; readonly claims: TokenClaims }
  | { readonly kind: "invalid"; readonly reason: "malformed" | "signature" | "expired" | "not-yet-valid" };

/** Signs as a JWT with HS256 (RFC 7515 compact form). Entra signs with RS256; nobody but this twin verifies these. */
export function signToken(claims: TokenClaims, key: string): string {
  const signed = `${encode({ typ: "JWT", alg: "HS256" })}.${encode(claims)}`;
  return `${signed}.${mac(signed, key).toString("base64url")}`;
}

/** `now` in seconds since 1970. */
export function verifyToken(token: string, key: string, now: number): Verified {
  const [header, payload, signature, ...rest] = token.split(".");
  if (!header || !payload || !signature || rest.length > 0) return { kind: "invalid", reason: "malformed" };
  const expected = mac(`${header}.${payload}`, key);
  const given = Buffer.from(signature, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    return { kind: "invalid", reason: "signature" };
  }
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as TokenClaims;
  if (now >= claims.exp) return { kind: "invalid", reason: "expired" };
  if (now < claims.nbf) return { kind: "invalid", reason: "not-yet-valid" };
  return { kind: "valid", claims };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function mac(text: string, key: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
