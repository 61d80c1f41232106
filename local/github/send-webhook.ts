import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";

export interface WebhookAnswer {
  statusCode: number;
  /** `OK` for 2xx; GitHub does not follow redirects, so 3xx is a failure like the rest. */
  status: string;
  headers: Record<string, string> | null;
  body: string | null;
}

/** Enough of an answer for the log; the rest is read and dropped. */
const keptBytes = 64 * 1024;

/** Posts once, on a connection of its own. Only an abort through `stop` rejects; every other end is an answer. */
export function sendWebhook(
  url: string,
  headers: Record<string, string>,
  body: string,
  timeoutMs: number,
  stop: AbortSignal,
): Promise<WebhookAnswer> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const send = url.startsWith("https:") ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const failed = () => {
      if (stop.aborted) reject(new Error("the local GitHub is stopping"));
      else if (deadline.aborted) resolve({ statusCode: 504, status: "timed out", headers: null, body: null });
      else resolve({ statusCode: 502, status: "failed to connect to host", headers: null, body: null });
    };
    const request = send(
      url,
      { method: "POST", agent: false, headers, signal: AbortSignal.any([deadline, stop]) },
      (response) => {
        const chunks: Buffer[] = [];
        let kept = 0;
        response.on("data", (chunk: Buffer) => {
          if (kept < keptBytes) chunks.push(chunk);
          kept += chunk.length;
        });
        response.once("error", failed);
        response.once("end", () => {
          const statusCode = response.statusCode!;
          const ok = statusCode >= 200 && statusCode < 300;
          resolve({
            statusCode,
            status: ok ? "OK" : `Invalid HTTP Response: ${statusCode}`,
            headers: flat(response.headers),
            body: Buffer.concat(chunks).subarray(0, keptBytes).toString("utf8"),
          });
        });
      },
    );
    request.once("error", failed);
    request.end(body);
  });
}

function flat(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]));
}
