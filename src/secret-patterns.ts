/**
 * How secrets look in text that others wrote. What has a name is taken out before what only has a shape: a shape that ends
 * early would leave the rest of a named secret standing.
 */

/** What comes before the secret (the first group) may stay readable. A SAS may also stand alone in a log, without its URL. */
export const named: readonly RegExp[] = [
  /(\b(?:sig|signature|access_token|refresh_token|client_secret|AccountKey)=)[^\s&;"'<>]+/gi,
  /(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{16,}/gi,
];

/** GitHub's tokens and JWTs. GitHub's own pattern leaves out "-", although its newer tokens contain JWTs, which are base64url. */
export const shaped: readonly RegExp[] = [
  /gh[a-z]_[A-Za-z0-9._-]{20,}/g,
  /github_pat_\w+/g,
  /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
];
