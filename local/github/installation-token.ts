import { createHash, randomBytes } from "node:crypto";
import type { IssuedToken } from "./state.ts";
import { record, type World } from "./world.ts";

/** One hour. https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app */
const tokenLifetimeMs = 60 * 60 * 1000;

/** Issues a token and keeps its digest. */
export function issueToken(world: World, wanted: Omit<IssuedToken, "sha256" | "expiresAt">): [string, IssuedToken] {
  const expiresAt = world.now() + tokenLifetimeMs;
  const token = newToken(world, wanted.installationId, expiresAt);
  const issued: IssuedToken = { ...wanted, sha256: sha256(token), expiresAt };
  const alive = world.state.value.tokens.filter((each) => each.expiresAt > world.now());
  world.state.value.tokens = [...alive, issued];
  world.state.save();
  const { installationId, permissions, repositoryIds } = wanted;
  record(world, { kind: "token-issued", installationId, permissions, repositoryIds });
  return [token, issued];
}

/** The token as issued, or undefined when unknown or run out. */
export function findToken(world: World, token: string): IssuedToken | undefined {
  const digest = sha256(token);
  return world.state.value.tokens.find((each) => each.sha256 === digest && each.expiresAt > world.now());
}

/**
 * The 2026 form, `ghs_<app id>_<JWT>` of about 520 characters with dots, dashes and underscores in it. Only its digest is
 * ever checked; the signature is random bytes of an RSA signature's length.
 */
function newToken(world: World, installationId: number, expiresAt: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const header = part({ alg: "RS256", typ: "JWT" });
  const claims = part({
    iss: "github",
    sub: `installation:${installationId}`,
    exp: Math.floor(expiresAt / 1000),
    jti: randomBytes(8).toString("hex"),
  });
  return `ghs_${world.app.id}_${header}.${claims}.${randomBytes(256).toString("base64url")}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
