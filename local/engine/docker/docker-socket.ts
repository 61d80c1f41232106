import { request } from "node:http";

const usual = "/var/run/docker.sock";

/** The daemon's socket: DOCKER_HOST when it is `unix://…`, the usual one when it is not set, none for other hosts. */
export function dockerSocket(dockerHost: string | undefined): string | undefined {
  if (dockerHost === undefined || dockerHost === "") return usual;
  return dockerHost.startsWith("unix://") ? dockerHost.slice("unix://".length) : undefined;
}

/** The API version of the daemon that answers on a socket in time, e.g. `1.41`; undefined when none does. */
export function pingDocker(socketPath: string, withinMs = 2_000): Promise<string | undefined> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: "/_ping", timeout: withinMs }, (response) => {
      response.resume();
      const version = response.headers["api-version"];
      resolve(response.statusCode === 200 && typeof version === "string" ? version : undefined);
    });
    ping.once("timeout", () => ping.destroy());
    ping.once("error", () => resolve(undefined));
    ping.end();
  });
}
