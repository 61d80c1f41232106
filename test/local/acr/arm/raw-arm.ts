import { request } from "node:https";
import type { AcrWorld } from "../../../support/acr-world.ts";

export interface RawAnswer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: RawBody;
}

/** The properties that tests look into; which of them an answer has depends on what was asked. */
interface RawBody {
  readonly name: string;
  readonly location: string;
  readonly status: string;
  readonly value: readonly { readonly name: string }[];
  readonly error: { readonly code: string; readonly details: unknown };
  readonly properties: {
    readonly provisioningState: string;
    readonly loginServer: string;
    readonly step: object;
    readonly trigger: { readonly timerTriggers: readonly { readonly name: string }[] };
    readonly credentials: { readonly customRegistries: object };
    readonly runResult: { readonly properties: { readonly runId: string } };
  };
}

/** ARM without an SDK: what none has a method for, and what SDKs hide. `path` may be a whole URL. */
export function rawArm(world: AcrWorld, method: string, path: string, body?: unknown): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${world.identity.issue("https://management.azure.com")}`,
      "content-length": String(Buffer.byteLength(text)),
      "content-type": "application/json",
    };
    const url = new URL(path, world.acr.url);
    const call = request(url, { method, headers, ca: world.certificate.cert }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      const received = Buffer.concat(chunks).toString("utf8");
      resolve({
        status: answer.statusCode!,
        headers: answer.headers,
        body: received ? JSON.parse(received) : undefined,
      });
    });
    call.once("error", reject).end(text);
  });
}
