import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

export interface RecordedCall {
  readonly method: string;
  /** First part of the path after the account: the queue. */
  readonly queue: string;
  readonly query: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Stands before the queue service, so that a test sees what a host asks of it. */
export async function startRecordingProxy(connectionString: string): Promise<{
  readonly connectionString: string;
  readonly calls: RecordedCall[];
  close(): Promise<void>;
}> {
  const endpoint = new URL(/QueueEndpoint=([^;]+)/.exec(connectionString)?.[1] ?? "");
  const calls: RecordedCall[] = [];
  const server = createServer((incoming, answer) => {
    const url = new URL(incoming.url ?? "/", endpoint);
    const { method = "GET", headers } = incoming;
    const query = Object.fromEntries(url.searchParams);
    calls.push({ method, queue: url.pathname.split("/")[2] ?? "", query, at: Date.now() });
    const { hostname, port } = endpoint;
    const onward = request({ hostname, port, method, path: incoming.url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    connectionString: connectionString.replace(
      /QueueEndpoint=[^;]+/,
      `QueueEndpoint=http://127.0.0.1:${port}${endpoint.pathname}`,
    ),
    calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
