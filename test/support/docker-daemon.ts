import { dockerSocket, pingDocker } from "../../local/engine/docker/docker-socket.ts";

export const socket = dockerSocket(process.env.DOCKER_HOST);

/** Of the daemon DOCKER_HOST or the usual socket leads to; undefined: there is none, and tests that need it are skipped. */
export const apiVersion =
  // One that was named is there, however busy: nothing may be skipped because it was slow.
  socket === undefined ? undefined : await pingDocker(socket, process.env.DOCKER_HOST ? 60_000 : undefined);
