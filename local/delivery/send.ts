import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { isOnThisMachine } from "./receiver.ts";

export interface Sending {
  readonly method: "POST" | "OPTIONS";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For everything from connecting to the last byte of the answer. */
  readonly timeoutMs: number;
}

/** How one request to a receiver ended. `elsewhere`: not sent, because the receiver is not on this machine. */
export type Answer =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly reason: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | { readonly kind: "timed-out" }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "elsewhere" };

/** Of an answer's body; the rest is read and dropped. */
const keptBytes = 64 * 1024;

/** Sends once, on a connection of its own, and follows no redirect. Rejects only when told to `stop`. */
export function send({ method, url, headers, body, timeoutMs }: Sending, stop: AbortSignal): Promise<Answer> {
  if (!isOnThisMachine(url)) return Promise.resolve({ kind: "elsewhere" });
  const deadline = AbortSignal.timeout(timeoutMs);
  const start = url.startsWith("https:") ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      if (stop.aborted) reject(new Error("the sender is stopping"));
      else if (deadline.aborted) resolve({ kind: "timed-out" });
      else resolve({ kind: "failed", message: error.message });
    };
    const request = start(
      url,
      { method, agent: false, headers, signal: AbortSignal.any([deadline, stop]) },
      (response) => {
        const chunks: Buffer[] = [];
        let kept = 0;
        response.on("data", (chunk: Buffer) => {
          if (kept < keptBytes) chunks.push(chunk);
          kept += chunk.length;
        });
        response.once("error", failed);
        response.once("end", () =>
          resolve({
            kind: "answered",
            status: response.statusCode!,
            reason: response.statusMessage ?? "",
            headers: flat(response.headers),
            body: Buffer.concat(chunks).subarray(0, keptBytes).toString("utf8"),
          }),
        );
      },
    );
    request.once("error", failed);
    request.end(body);
  });
}

function flat(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]));
}
