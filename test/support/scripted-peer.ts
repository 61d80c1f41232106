import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export type Answer =
  | { status?: number; headers?: Record<string, string>; body?: string | Buffer | object }
  /** The request is read, then the connection is cut: the reply is lost. */
  | "reset"
  /** The request is read and never answered. */
  | "silence";

export interface Peer {
  readonly url: string;
  readonly host: string;
  readonly seen: SeenRequest[];
  close(): Promise<void>;
}

/** A server on loopback that does what a test tells it to, request by request, and remembers what it was asked. */
export async function startPeer(
  answer: (request: SeenRequest, index: number) => Answer | Promise<Answer>,
  tls?: { key: string; cert: string },
): Promise<Peer> {
  const seen: SeenRequest[] = [];
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = "", url = "", headers } = request;
    const one = { method, url, headers, body: await buffer(request) };
    seen.push(one);
    const told = await answer(one, seen.length - 1);
    if (told === "silence") return;
    if (told === "reset") {
      request.socket.destroy();
      return;
    }
    const { status = 200, headers: toldHeaders = {}, body = "" } = told;
    const isJson = typeof body === "object" && !Buffer.isBuffer(body);
    response.writeHead(status, { ...(isJson && { "content-type": "application/json" }), ...toldHeaders });
    response.end(isJson ? JSON.stringify(body) : body);
  };
  const server = tls ? createHttpsServer(tls, listener) : createHttpServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
