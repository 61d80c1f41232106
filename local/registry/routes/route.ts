import type { Context } from "hono";
import type { Bindings } from "../../http.ts";
import type { RegistryStore } from "../registry-store.ts";
import type { Uploads } from "../uploads.ts";

export interface RouteCall {
  readonly c: Context<Bindings>;
  readonly store: RegistryStore;
  readonly uploads: Uploads;
  /** Checked already. */
  readonly repository: string;
  /** The last part of the path: a tag, digest or upload id, decoded but not checked. Empty when there is none. */
  readonly reference: string;
}
export type Handler = (call: RouteCall) => Promise<Response>;

/** What a caller must be allowed to do with the repository; `catalog` stands for `registry:catalog:*`. */
export type Access = "any" | "pull" | "push" | "delete" | "catalog";
export interface Operation {
  readonly access: Access;
  readonly handle: Handler;
}
export interface Route {
  /** First group: repository, second: reference. Greedy, so that a repository may be called `a/tags/list`. */
  readonly pattern: RegExp;
  readonly operations: Readonly<Partial<Record<string, Operation>>>;
}
