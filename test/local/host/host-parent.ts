import { startHost } from "../../../local/host/start-host.ts";

/** A process to be killed: starts the host of the app in argv[2] and prints the process ids of host and worker. */
const host = await startHost({ appDir: process.argv[2] ?? "", env: {} });
console.log(JSON.stringify([host.pid, host.workerPid()]));
