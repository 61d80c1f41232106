import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type RequestListener = (url: URL, request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface HttpServer {
  readonly url: string;
  /** Takes no new connection and lets answers under way finish; the promise settles when all are gone. */
  close(): Promise<void>;
  /** Cuts what is still open. */
  cut(): void;
}

/** Serves plain HTTP on loopback only. Port 0 takes any free port. A request whose URL or Host is invalid gets 400. */
export async function listenHttp(
  port: number,
  listener: RequestListener,
  onError: (error: unknown) => void,
): Promise<HttpServer> {
  const server = createServer((request, response) => {
    const url = requestUrl(request);
    if (!url) {
      response.writeHead(400).end();
      return;
    }
    listener(url, request, response).catch((error) => {
      onError(error);
      response.destroy();
    });
  });
  // A handler may take as long as functionTimeout lets it.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
    cut: () => server.closeAllConnections(),
  };
}

function requestUrl(request: IncomingMessage): URL | undefined {
  try {
    const url = new URL(`http://${request.headers.host ?? "127.0.0.1"}`);
    // Set apart from the host: a path such as `//x` must not be read as one.
    const [path = "/", ...query] = (request.url ?? "/").split("?");
    url.pathname = path;
    url.search = query.join("?");
    return url;
  } catch {
    return undefined;
  }
}
