import { createHmac } from "node:crypto";

/** Both signatures over the raw body; none without a secret. https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries */
export function signatureHeaders(secret: string, body: string): Record<string, string> {
  if (secret === "") return {};
  const hmac = (algorithm: string) => createHmac(algorithm, secret).update(body, "utf8").digest("hex");
  return { "X-Hub-Signature": `sha1=${hmac("sha1")}`, "X-Hub-Signature-256": `sha256=${hmac("sha256")}` };
}
