import { type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { Hono } from "hono";
import type { Bindings } from "../../http.ts";
import type { Call } from "./route.ts";

/** Stands behind the account's name, so that `az` finds in a link what it looks for: `ACCOUNT.blob.SUFFIX`. */
const suffix = ".blob.local";

/**
 * `az` takes a SAS URL apart by the pattern `://ACCOUNT.blob.SUFFIX/CONTAINER/BLOB?TOKEN` and builds an https URL of the parts.
 * Azurite's own links, over http and with the account in the path, do not match. So `az`, known by its user agent, is given
 * a link to this server, which matches (with an account of `127.0.0.1:PORT/devstoreaccount1`). All others get Azurite's.
 */
export function linkFor(c: Call, sasUrl: string): string {
  if (!/\bAZURECLI\//i.test(c.req.header("user-agent") ?? "")) return sasUrl;
  const { pathname, search } = new URL(sasUrl);
  const [, account, ...blob] = pathname.split("/");
  return `${new URL(c.req.url).origin}/${account}${suffix}/${blob.join("/")}${search}`;
}

const ofTheConnection = ["connection", "keep-alive", "transfer-encoding"];

/** Passes on what comes to such a link, unchanged; the signature in it is for Azurite to judge. `blobUrl` ends in the account. */
export function storageFront(blobUrl: string): Hono<Bindings> {
  const { origin, pathname } = new URL(blobUrl);
  const account = pathname.replace(/\/$/, "");
  return new Hono<Bindings>().all(`${account}${suffix}/*`, async (c) => {
    const { incoming } = c.env;
    const path = account + incoming.url!.slice(account.length + suffix.length);
    const headers: OutgoingHttpHeaders = { ...incoming.headers, host: new URL(origin).host };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const call = request(origin + path, { method: incoming.method, headers }, resolve);
      call.once("error", reject);
      pipeline(incoming, call).catch(reject);
    });
    const told = new Headers();
    for (const [name, value] of Object.entries(answer.headers)) {
      if (!ofTheConnection.includes(name)) told.set(name, String(value));
    }
    const bodiless = incoming.method === "HEAD" || [204, 304].includes(answer.statusCode!);
    const body = bodiless ? null : (Readable.toWeb(answer) as ReadableStream);
    return new Response(body, { status: answer.statusCode!, headers: told });
  });
}
