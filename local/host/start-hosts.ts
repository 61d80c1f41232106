import { functionGroup, settingsOfGroup } from "./function-group.ts";
import type { KeysFile } from "./keys.ts";
import type { Trigger } from "./metadata.ts";
import { type RunningHost, type StartHostOptions, startHost } from "./start-host.ts";

export interface StartHostsOptions extends StartHostOptions {
  /** The `http` host is asked by its master key which functions there are. */
  readonly keys: KeysFile;
  /** How many hosts a group other than `http` has; one when it is not named. */
  readonly instances?: Readonly<Record<string, number>>;
}

/**
 * The app as Flex Consumption runs it: a host for the HTTP functions, which has the port, and hosts for each other group.
 * They are one to their owner: address and process id are those of the `http` host, and when one ends by itself all end.
 */
export async function startHosts(options: StartHostsOptions): Promise<RunningHost> {
  const { port: _, instances = {}, ...others } = options;
  const http = await startHost(asInstance(options, "http", "http"));
  const hosts = [http];
  try {
    const groups = (await otherGroups(http, options.keys)).flatMap((group) =>
      Array.from({ length: instances[group] ?? 1 }, (_, n) => ({ group, name: `${group}#${n + 1}` })),
    );
    const starting = groups.map(({ group, name }) => startHost(asInstance(others, group, name)));
    for (const started of await Promise.allSettled(starting)) {
      if (started.status === "fulfilled") hosts.push(started.value);
    }
    await Promise.all(starting);
  } catch (error) {
    await Promise.all(hosts.map((host) => host.kill()));
    throw error;
  }
  let ending = false;
  const end = async (how: "stop" | "kill"): Promise<void> => {
    ending = true;
    await Promise.all(hosts.map((host) => host[how]()));
  };
  const all = Promise.all(hosts.map((host) => host.exited));
  const exited = Promise.race(hosts.map((host) => host.exited)).then(async (first) => {
    if (!ending) await end("kill");
    await all;
    return first;
  });
  return { ...http, exited, stop: () => end("stop"), kill: () => end("kill") };
}

function asInstance(options: StartHostOptions, group: string, instance: string): StartHostOptions {
  const { onLog, env } = options;
  return {
    ...options,
    env: { ...env, ...settingsOfGroup(group) },
    ...(onLog ? { onLog: (entry) => onLog({ ...entry, instance }) } : {}),
  };
}

async function otherGroups(http: RunningHost, { master }: KeysFile): Promise<string[]> {
  const answer = await fetch(`${http.url}/admin/functions`, { headers: { "x-functions-key": master } });
  if (!answer.ok) throw new Error(`GET ${http.url}/admin/functions: ${answer.status}`);
  const functions = (await answer.json()) as { name: string; kind: Trigger["kind"] }[];
  return functions.filter(({ kind }) => kind !== "http").map(({ name, kind }) => functionGroup(name, kind));
}
