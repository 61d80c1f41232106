/**
 * Covers secrets in a build's log with as many `*` as they have characters, so that offsets into the log stay true. URL
 * queries stay, because a build's output is full of harmless ones; the signatures and tokens in them do not.
 */
const secrets: readonly RegExp[] = [
  // GitHub's own pattern leaves out "-", although its newer tokens contain JWTs, which are base64url.
  /gh[a-z]_[A-Za-z0-9._-]{20,}/g,
  /github_pat_\w{20,}/g,
  /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
];
/** What comes before the secret stays readable. */
const named: readonly RegExp[] = [
  /(\b(?:sig|signature|access_token|refresh_token|client_secret|AccountKey)=)[^\s&;"'<>]+/gi,
  /(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{16,}/gi,
  /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'<>/@]{1,500}(?=@)/gi,
];

export function mask(text: string): string {
  const covered = secrets.reduce((t, secret) => t.replace(secret, (found) => "*".repeat(found.length)), text);
  return named.reduce(
    (t, secret) => t.replace(secret, (found, name: string) => name + "*".repeat(found.length - name.length)),
    covered,
  );
}
