import type { TokenVerifier } from "../../identity/start-identity.ts";
import type { TokenClaims } from "../../identity/token.ts";
import { ArmError } from "./arm-error.ts";

const azureAudiences = ["https://management.azure.com", "https://management.core.windows.net"];
const headers = {
  "WWW-Authenticate":
    'Bearer authorization_uri="https://login.windows.net/common", error="invalid_token", ' +
    'error_description="The authentication failed."',
};

/**
 * Accepts tokens of the twin's own identity for Azure's audience or for this endpoint's URL, and answers 401 to all else.
 * Returns who is calling.
 */
export function authenticate(header: string | undefined, identity: TokenVerifier, ownUrl: string): TokenClaims {
  const token = /^Bearer (.+)$/i.exec(header ?? "")?.[1];
  if (token === undefined) {
    throw unauthorized("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.");
  }
  const verified = identity.verify(token);
  if (verified.kind === "invalid") {
    if (verified.reason === "expired")
      throw unauthorized("ExpiredAuthenticationToken", "The access token has expired.");
    throw unauthorized("InvalidAuthenticationToken", `The access token is invalid: ${verified.reason}.`);
  }
  const audience = verified.claims.aud.replace(/\/+$/, "").toLowerCase();
  if (![...azureAudiences, ownUrl].includes(audience)) {
    throw unauthorized(
      "InvalidAuthenticationTokenAudience",
      `The access token has been obtained for wrong audience or resource '${verified.claims.aud}'.`,
    );
  }
  return verified.claims;
}

function unauthorized(code: string, message: string): ArmError {
  return new ArmError(401, code, message, { headers });
}
