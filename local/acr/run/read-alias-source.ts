import type { ReadAliasSource } from "../task/alias.ts";
import { TaskError } from "../task/task-error.ts";
import { maxFileBytes } from "./limits.ts";
import type { Workspace } from "./workspace.ts";

/** The engine gives a URL this long. */
const fetchTimeoutMs = 2000;

/** Files count from the folder of the source context, as the task file does. */
export function readAliasSource(source: Workspace, folder: string, signal: AbortSignal): ReadAliasSource {
  return async (location) => {
    if (!/^https?:\/\//.test(location)) return await source.readText(folder, location);
    try {
      return await fetchText(location, AbortSignal.any([signal, AbortSignal.timeout(fetchTimeoutMs)]));
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      throw new TaskError(`unable to search/replace aliases in task: ${location}: ${why}`);
    }
  };
}

async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxFileBytes) throw new Error(`longer than ${maxFileBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
