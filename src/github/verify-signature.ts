import { createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../secret.ts";

/**
 * Whether `X-Hub-Signature-256` is the HMAC-SHA256 of the raw body under any of the secrets. No secrets, or empty ones: false.
 * Every secret is tried, each comparison in constant time, so that neither which secret nor how much of it matched can be timed.
 * node:crypto and not @octokit/webhooks-methods: that decodes the body as text first and stops at the first match.
 * https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
 */
export function verifySignature(secrets: readonly Secret[], body: Uint8Array, header: string | undefined): boolean {
  const hex = /^sha256=([0-9a-f]{64})$/.exec(header ?? "")?.[1];
  if (hex === undefined) return false;
  const given = Buffer.from(hex, "hex");
  let matched = false;
  for (const secret of secrets) {
    const key = secret.expose();
    const same = timingSafeEqual(createHmac("sha256", key).update(body).digest(), given);
    matched ||= same && key !== "";
  }
  return matched;
}
