import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";

export type Bindings = { Bindings: HttpBindings };

export interface Listening {
  /** `http://127.0.0.1:PORT` or `https://…`. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface Tls {
  readonly key: string;
  readonly cert: string;
  /** http is answered as well, on the same port. */
  readonly plainToo?: boolean;
}

/** Serves a Hono app on loopback only. Port 0 takes any free port. Closing ends open connections too. */
export async function listen(app: Hono<Bindings>, port: number, tls?: Tls): Promise<Listening> {
  const listener = getRequestListener(app.fetch);
  const secure = tls && createHttpsServer({ key: tls.key, cert: tls.cert }, listener);
  const plain = !tls || tls.plainToo ? createHttpServer(listener) : undefined;
  for (const server of [secure, plain]) if (server) server.requestTimeout = 0;
  const door = secure && plain ? createServer((socket) => byFirstByte(socket, secure, plain)) : (secure ?? plain)!;
  const open = new Set<Socket>();
  door.on("connection", (socket: Socket) => open.add(socket.once("close", () => open.delete(socket))));
  await new Promise<void>((resolve, reject) => {
    door.once("error", reject);
    door.listen(port, "127.0.0.1", resolve);
  });
  const bound = (door.address() as AddressInfo).port;
  return {
    url: `${plain ? "http" : "https"}://127.0.0.1:${bound}`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        door.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** A TLS connection begins with a handshake record, type 22 (RFC 8446, 5.1); no HTTP method begins so. */
function byFirstByte(socket: Socket, secure: Server, plain: Server): void {
  socket.on("error", () => socket.destroy());
  socket.once("data", (first) => {
    socket.pause();
    socket.unshift(first);
    (first[0] === 22 ? secure : plain).emit("connection", socket);
    process.nextTick(() => socket.resume());
  });
}
