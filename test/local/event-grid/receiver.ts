import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished, vi } from "vitest";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As they came, with their case: name, value, name, value, … */
  readonly rawHeaders: readonly string[];
  readonly text: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface Receiver {
  readonly url: string;
  /** In the order of arrival. */
  readonly received: Received[];
  /** Parsed bodies of what was delivered, handshakes left out. */
  bodies<Body>(): Body[];
  /** Waits until that many have arrived. */
  until(count: number): Promise<void>;
}

/** Somebody else's endpoint on this machine; answers 200 unless told, and never when told "silence". */
export async function startReceiver(
  reply: (request: Received, count: number) => Reply | "silence" | Promise<Reply> = () => ({}),
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url = "", headers, rawHeaders } = request;
    const one = { method, path: url, headers, rawHeaders, text: Buffer.concat(chunks).toString("utf8") };
    received.push(one);
    const answer = await reply(one, received.length);
    if (answer === "silence") return;
    response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    bodies: <Body>() => received.filter(isDelivery).map(({ text }) => JSON.parse(text) as Body),
    until: (count) =>
      vi.waitFor(
        () => {
          if (received.length < count) throw new Error(`${received.length} requests came, not ${count}`);
        },
        { timeout: 60_000, interval: 10 },
      ),
  };
}

function isDelivery({ method, headers }: Received): boolean {
  return method === "POST" && headers["aeg-event-type"] !== "SubscriptionValidation";
}

/** Consents to whatever is asked, and takes what is delivered. */
export function consenting(request: Received): Reply {
  if (request.method === "OPTIONS") return { headers: { "WebHook-Allowed-Origin": "eventgrid.azure.net" } };
  if (request.headers["aeg-event-type"] !== "SubscriptionValidation") return {};
  const [event] = JSON.parse(request.text) as [{ data: { validationCode: string } }];
  return { body: JSON.stringify({ validationResponse: event.data.validationCode }) };
}
