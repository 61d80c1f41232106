/** Takes secrets out of text that others wrote (error messages, run logs' last words) before it is kept or shown. */

// GitHub's own pattern leaves out "-", although its newer tokens contain JWTs, which are base64url.
const gitHubToken = /gh[a-z]_[A-Za-z0-9._-]{20,}|github_pat_\w+/g;
const jsonWebToken = /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g;
// A SAS signature is a query parameter, and a query belongs to a URL or stands alone in a log.
const urlQuery = /([a-z][a-z0-9+.-]*:\/\/[^\s"'<>?#]*)\?[^\s"'<>]*/gi;
const urlUserInfo = /([a-z][a-z0-9+.-]*:\/\/)[^\s"'<>/@]+@/gi;
const signature = /\b(sig|signature|access_token|refresh_token|client_secret|AccountKey)=[^\s&;"'<>]+/gi;
const authorization = /\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{16,}/gi;

/** The text with URL queries and user names, bearer values, GitHub tokens, JWTs and SAS signatures replaced by `***`. */
export function redact(text: string): string {
  return text
    .replace(urlUserInfo, "$1***@")
    .replace(urlQuery, "$1?***")
    .replace(signature, "$1=***")
    .replace(authorization, "$1 ***")
    .replace(gitHubToken, "***")
    .replace(jsonWebToken, "***");
}

/**
 * The same secrets, each covered by as many `*` as it has characters, so that offsets into a log stay true. URL queries
 * stay, because a build's output is full of harmless ones; their signatures and tokens do not.
 */
export function mask(text: string): string {
  const cover = (match: string, kept: unknown) => {
    const prefix = typeof kept === "string" ? kept : "";
    return prefix + "*".repeat(match.length - prefix.length);
  };
  return text
    .replace(urlUserInfo, cover)
    .replace(signature, cover)
    .replace(authorization, cover)
    .replace(gitHubToken, (m) => "*".repeat(m.length))
    .replace(jsonWebToken, (m) => "*".repeat(m.length));
}

/**
 * What of an error may travel on as a `cause`: its name, code and redacted message.
 * The error itself may not: SDK errors hold the request, and the request holds the token and the SAS.
 */
export function safeCause(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(redact(String(error)));
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const cause = error.cause instanceof Error ? safeCause(error.cause) : undefined;
  const copy = new Error(redact(error.message).slice(0, 500), cause && { cause });
  copy.name = error.name;
  return code === undefined ? copy : Object.assign(copy, { code });
}
