import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import type { Bindings } from "../../http.ts";
import type { Operations } from "../limits.ts";
import type { Origin } from "../registry-change.ts";
import { RegistryError } from "../registry-error.ts";
import type { RegistryStore } from "../registry-store.ts";

export interface RouteCall {
  readonly c: Context<Bindings>;
  readonly store: RegistryStore;
  readonly loginServer: string;
  /** Checked already. */
  readonly repository: string;
  /** The last part of the path: a tag, digest or upload id, decoded but not checked. Empty when there is none. */
  readonly reference: string;
}
export type Handler = (call: RouteCall) => Promise<Response>;

/** What a caller must be allowed to do with the repository; `catalog` stands for `registry:catalog:*`. */
export type Access = "any" | "pull" | "push" | "delete" | "metadata_read" | "metadata_write" | "catalog";
export interface Operation {
  readonly access: Access;
  readonly handle: Handler;
  /** Which rate it counts for, unless that follows from the access. */
  readonly counts?: Operations;
}
export interface Route {
  /** First group: repository, second: reference. Greedy, so that a repository may be called `a/tags/list`. */
  readonly pattern: RegExp;
  /** By method; HEAD is answered as GET, without a body, unless it is here. */
  readonly operations: Readonly<Partial<Record<string, Operation>>>;
}

export function originOf(c: RouteCall["c"]): Origin {
  return { useragent: c.req.header("User-Agent") ?? "" };
}

/** The whole body, at most `limit` bytes. */
export async function readBody(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new RegistryError(413, "SIZE_INVALID", `the body may have at most ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
