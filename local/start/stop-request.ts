/** Somebody wants us to end. `exitCode` is what shells expect of a program that was interrupted before it was done. */
export interface StopRequest {
  readonly why: string;
  readonly exitCode: number;
}

/** A second Ctrl-C that comes later than this is a person who will not wait; an earlier one is the same, passed on by npm. */
const impatientAfter = 1_500;

/** Settles with the first request to stop: Ctrl-C, SIGTERM, a closed terminal, a reader of our output who has left. */
export function stopRequest(): Promise<StopRequest> {
  return new Promise((resolve) => {
    let first = 0;
    const onSignal = (signal: NodeJS.Signals, number: number) => {
      if (first > 0 && Date.now() - first > impatientAfter) process.exit(128 + number);
      first ||= Date.now();
      resolve({ why: signal, exitCode: 128 + number });
    };
    process.on("SIGINT", () => onSignal("SIGINT", 2));
    process.on("SIGTERM", () => onSignal("SIGTERM", 15));
    process.on("SIGHUP", () => onSignal("SIGHUP", 1));
    // tsx starts us with a channel: when it breaks, whoever started us was killed.
    if (process.channel) process.once("disconnect", () => resolve({ why: "the parent process is gone", exitCode: 1 }));
    process.stdout.on("error", () => resolve({ why: "nobody reads the output any more", exitCode: 1 }));
  });
}
