import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import type { Scope } from "./scope.ts";

/** Three hours and 75 minutes, as ACR's. */
const lifeSeconds = { refresh: 3 * 3600, access: 75 * 60 } as const;

export interface Claims {
  readonly grant_type: "refresh_token" | "access_token";
  /** The login server the token is for. */
  readonly aud: string;
  readonly sub: string;
  /** Seconds since the epoch. */
  readonly exp: number;
  readonly access: readonly Scope[];
}

/** Makes and checks this registry's own tokens: JWTs signed with HMAC-SHA256 and a key that never leaves its folder. */
export class Tokens {
  readonly #key: Buffer;
  readonly #audience: () => string;
  readonly #clock: Clock;

  constructor(dir: string, audience: () => string, clock: Clock) {
    this.#clock = clock;
    this.#key = readOrMakeKey(join(dir, "token-key"));
    this.#audience = audience;
  }

  /** A refresh token says who; it opens nothing by itself. */
  refreshToken(sub: string): string {
    return this.#sign({ grant_type: "refresh_token", sub, access: [] }, lifeSeconds.refresh);
  }

  accessToken(sub: string, access: readonly Scope[]): string {
    return this.#sign({ grant_type: "access_token", sub, access }, lifeSeconds.access);
  }

  /** The claims of a token of that kind, for this registry, not expired and signed by us; else undefined. */
  verify(token: string, kind: Claims["grant_type"]): Claims | undefined {
    const [header, payload, signature, ...rest] = token.split(".");
    if (!header || !payload || !signature || rest.length > 0) return undefined;
    const expected = this.#signature(`${header}.${payload}`);
    const given = Buffer.from(signature, "base64url");
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Claims;
    const valid =
      claims.grant_type === kind && claims.aud === this.#audience() && claims.exp * 1000 > this.#clock.now();
    return valid ? claims : undefined;
  }

  #sign(claims: Omit<Claims, "exp" | "aud">, life: number): string {
    const iat = Math.floor(this.#clock.now() / 1000);
    const jti = randomBytes(9).toString("base64url");
    const payload = { jti, iss: "Azure Container Registry", aud: this.#audience(), iat, exp: iat + life, ...claims };
    const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(payload)}`;
    return `${signed}.${this.#signature(signed).toString("base64url")}`;
  }

  #signature(text: string): Buffer {
    return createHmac("sha256", this.#key).update(text).digest();
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function readOrMakeKey(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const key = randomBytes(32);
    writeFileSync(path, key, { mode: 0o600 });
    return key;
  }
}
