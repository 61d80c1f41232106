/** Where a source context comes from, told by nothing but how it is written: the engine's rules. */
export type SourceLocation =
  | { readonly kind: "none" }
  | { readonly kind: "git"; readonly remote: string; readonly ref: string; readonly folder: string }
  | { readonly kind: "archive"; readonly url: string }
  | { readonly kind: "unsupported"; readonly why: string }
  /** A path: to an upload for a run, in the workspace for a `build:` line. */
  | { readonly kind: "path"; readonly path: string };

/**
 * Git is what ends in `.git` or `.git#…`, begins with `github.com/`, or is an Azure DevOps `/_git/` URL without a query.
 * Any other http(s) URL is downloaded as an archive, also `https://github.com/owner/repo`.
 */
export function parseSourceLocation(location: string): SourceLocation {
  if (location === "" || location === "/dev/null") return { kind: "none" };
  if (/^oci:\/\//i.test(location)) return { kind: "unsupported", why: "artifacts (oci://) are not emulated" };
  if (/^git:\/\/|^git@/.test(location)) return { kind: "unsupported", why: "Git is read over http and https only" };
  if (/^github\.com\//.test(location)) return gitLocation(`https://${location}`);
  if (!/^https?:\/\//.test(location)) return { kind: "path", path: location };
  if (/\.git(?:#.+)?$/.test(location) || isAzureDevOps(location)) return gitLocation(location);
  return { kind: "archive", url: location };
}

function isAzureDevOps(location: string): boolean {
  if (!URL.canParse(location)) return false;
  const { protocol, host, pathname, search } = new URL(location.toLowerCase());
  const hosted = host === "dev.azure.com" || host.endsWith(".visualstudio.com");
  return protocol === "https:" && hosted && pathname.includes("/_git/") && search === "";
}

/** `#ref:folder`, both optional. A user name alone is a token, and becomes the password of a user nobody asks about. */
function gitLocation(location: string): SourceLocation {
  if (!URL.canParse(location)) return { kind: "unsupported", why: "not a URL" };
  const url = new URL(location);
  const fragment = decoded(url.hash.slice(1));
  url.hash = "";
  if (url.username !== "" && url.password === "") {
    url.password = url.username;
    url.username = "dummy";
  }
  const colon = fragment.indexOf(":");
  const [ref, folder] = colon < 0 ? [fragment, ""] : [fragment.slice(0, colon), fragment.slice(colon + 1)];
  // Git would take it for an option.
  if (ref.startsWith("-")) return { kind: "unsupported", why: `${ref} is no name of a branch, tag or commit` };
  return { kind: "git", remote: url.href, ref, folder };
}

/** A Git location with the token that a task keeps apart from it; one that names its own user stays as it is. */
export function withToken(location: string, token: string): string {
  if (parseSourceLocation(location).kind !== "git") return location;
  const url = new URL(/^https?:/.test(location) ? location : `https://${location}`);
  if (url.username !== "") return location;
  url.username = token;
  return url.href;
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** What a person may read: without the user and password, or token, in front of a host. */
export function withoutCredentials(text: string): string {
  return text.replaceAll(/(https?:\/\/)[^@\s/]*@/g, "$1<REDACTED>@");
}
