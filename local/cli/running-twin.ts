import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CloudEndpoints } from "../cloud.ts";

/** The twin of a folder, as somebody outside its process finds it. */
export class RunningTwin {
  readonly endpoints: CloudEndpoints;
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
    try {
      this.endpoints = JSON.parse(readFileSync(join(dir, "endpoints.json"), "utf8")) as CloudEndpoints;
    } catch {
      throw new Error(`no twin has been started in ${dir}: npm run twin, or npm start`);
    }
  }

  /** Asks the admin endpoint; throws its words when it refuses. */
  async ask(path: string, how: { readonly method?: string; readonly body?: object } = {}): Promise<Response> {
    const { admin, adminToken } = this.endpoints;
    const answer = await fetch(`${admin}${path}`, {
      method: how.method ?? (how.body ? "POST" : "GET"),
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      body: how.body ? JSON.stringify(how.body) : null,
    }).catch(() => undefined);
    // Another twin, or anybody, may have got the port since.
    if (!answer || answer.status === 401)
      throw new Error(`the twin of ${this.#dir} does not run: npm run twin, or npm start`);
    if (answer.ok) return answer;
    const { message } = (await answer.json().catch(() => ({}))) as { message?: string };
    throw new Error(message ?? `the twin answered ${answer.status}`);
  }
}
