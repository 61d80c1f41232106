import { verify } from "node:crypto";
import type { App } from "./world.ts";

/** The furthest `exp` may lie ahead: 10 minutes. https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app */
const longestMs = 10 * 60 * 1000;

export type JwtAnswer = { ok: true } | { ok: false; message: string };

const undecodable: JwtAnswer = { ok: false, message: "A JSON web token could not be decoded" };

/** Whether this is a JWT of the App now: RS256, issued by its id or client id, running out within ten minutes. */
export function checkAppJwt(app: App, token: string, nowMs: number): JwtAnswer {
  const [head = "", claims = "", signature = "", ...rest] = token.split(".");
  const header = parsePart(head);
  const payload = parsePart(claims);
  if (rest.length > 0 || header?.alg !== "RS256" || !payload) return undecodable;
  const signed = Buffer.from(`${head}.${claims}`);
  const bytes = Buffer.from(signature, "base64url");
  if (!app.publicKeyPems.some((key) => verify("RSA-SHA256", signed, key, bytes))) return undecodable;

  const { iss, iat, exp } = payload;
  if (String(iss) !== String(app.id) && iss !== app.clientId) return { ok: false, message: "Integration not found" };
  if (typeof exp !== "number" || exp * 1000 <= nowMs) {
    return {
      ok: false,
      message:
        "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    };
  }
  if (exp * 1000 > nowMs + longestMs) {
    return { ok: false, message: "'Expiration time' claim ('exp') is too far in the future" };
  }
  if (typeof iat !== "number" || !Number.isInteger(iat) || iat * 1000 > nowMs) {
    return {
      ok: false,
      message: "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    };
  }
  return { ok: true };
}

function parsePart(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
