import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";

export type Bindings = { Bindings: HttpBindings };

export interface Listening {
  /** `http://127.0.0.1:PORT` or `https://…`. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Serves a Hono app on loopback only. Port 0 takes any free port. Closing ends open connections too. */
export async function listen(
  app: Hono<Bindings>,
  port: number,
  tls?: { key: string; cert: string },
): Promise<Listening> {
  const listener = getRequestListener(app.fetch);
  const server: Server = tls ? createHttpsServer(tls, listener) : createHttpServer(listener);
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${bound}`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
