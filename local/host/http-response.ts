import type { ServerResponse } from "node:http";
import type { HttpCookie, HttpData, TypedData } from "./core-types.ts";

/** Framing is this server's business; the real host computes these too. */
const OWN_HEADERS = new Set(["content-length", "transfer-encoding", "connection", "keep-alive"]);

/** Writes what the function answered. Nothing returned is 204; node:http leaves out the body of an answer to HEAD. */
export function writeHttpResponse(response: ServerResponse, returned: TypedData | null | undefined): void {
  const data = returned?.http;
  if (!data) {
    writeEmpty(response, 204);
    return;
  }
  const body = Buffer.from(data.body?.bytes ?? []);
  const status = Number(data.statusCode ?? 200);
  response.statusCode = status;
  for (const [name, value] of Object.entries(data.headers ?? {})) {
    if (!OWN_HEADERS.has(name.toLowerCase())) response.setHeader(name, value);
  }
  const cookies = setCookies(data);
  if (cookies.length > 0) response.setHeader("set-cookie", cookies);
  if (status !== 204 && status !== 304) response.setHeader("content-length", body.length);
  response.end(body);
}

/** A status without a body, as the real host answers 401, 404 and 500. */
export function writeEmpty(response: ServerResponse, status: number): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.statusCode = status;
  if (status !== 204) response.setHeader("content-length", 0);
  response.end();
}

function setCookies(data: HttpData): string[] {
  const header = Object.entries(data.headers ?? {}).find(([name]) => name.toLowerCase() === "set-cookie")?.[1];
  return [...(header === undefined ? [] : [header]), ...(data.cookies ?? []).map(cookieText)];
}

/** The attributes of RFC 6265bis, names in lower case as ASP.NET Core writes them; the value is percent-encoded. */
function cookieText(cookie: HttpCookie): string {
  const attributes = [`${encodeURIComponent(cookie.name)}=${encodeURIComponent(cookie.value)}`];
  if (cookie.expires) attributes.push(`expires=${new Date(cookie.expires.value.seconds * 1000).toUTCString()}`);
  if (cookie.maxAge) attributes.push(`max-age=${cookie.maxAge.value}`);
  if (cookie.domain) attributes.push(`domain=${cookie.domain.value}`);
  attributes.push(`path=${cookie.path?.value ?? "/"}`);
  if (cookie.secure?.value) attributes.push("secure");
  const sameSite = cookie.sameSite === "explicitNone" ? "none" : cookie.sameSite;
  if (sameSite && cookie.sameSite !== "none") attributes.push(`samesite=${sameSite}`);
  if (cookie.httpOnly?.value) attributes.push("httponly");
  return attributes.join("; ");
}
