import { type IncomingMessage, request } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EngineError } from "../engine.ts";

export interface Call {
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream, or anything else as JSON. */
  readonly body?: Readable | object;
  readonly signal?: AbortSignal;
}

/** What the daemon says while it builds, pulls or pushes, one JSON object a line. */
export interface Progress {
  readonly stream?: string;
  readonly status?: string;
  readonly id?: string;
  readonly progress?: string;
  readonly error?: string;
  readonly aux?: { readonly Digest?: string; readonly ID?: string };
}

/** The Docker Engine API over its socket, https://docs.docker.com/reference/api/engine/ */
export class DockerClient {
  readonly socketPath: string;
  readonly #prefix: string;

  constructor(socketPath: string, apiVersion: string) {
    this.socketPath = socketPath;
    this.#prefix = `/v${apiVersion}`;
  }

  /** The answer's JSON; undefined for 404. Any other status from 400 is an EngineError with the daemon's message. */
  async json<T>(method: string, path: string, call: Call = {}): Promise<T | undefined> {
    const response = await this.open(method, path, call);
    const text = await readText(response);
    if (response.statusCode === 404) return undefined;
    check(response, text);
    return text === "" ? undefined : (JSON.parse(text) as T);
  }

  /** Something with no answer but that it is done; whatever it needs must be there. */
  async tell(method: string, path: string, call: Call = {}): Promise<void> {
    const response = await this.open(method, path, call);
    check(response, await readText(response));
  }

  /** With all that depends on it; nothing when it is gone already. */
  async remove(path: string): Promise<void> {
    const query = path.startsWith("/containers/") ? { force: "1", v: "1" } : {};
    try {
      await this.json("DELETE", path, { query });
    } catch (error) {
      if (!/removal .* already in progress/.test((error as Error).message)) throw error;
      await this.json("POST", `${path}/wait`, { query: { condition: "removed" } });
    }
  }

  /** Every line the daemon writes; ends with an EngineError when one of them is an error. */
  async *progress(method: string, path: string, call: Call): AsyncGenerator<Progress> {
    const response = await this.open(method, path, call);
    if ((response.statusCode ?? 500) >= 400) check(response, await readText(response));
    for await (const line of lines(response)) {
      const progress = JSON.parse(line) as Progress;
      yield progress;
      if (progress.error !== undefined) throw new EngineError(progress.error);
    }
  }

  /** The response as soon as its headers are there. Aborting ends the connection, which ends what the daemon does. */
  open(method: string, path: string, { query, headers, body, signal }: Call): Promise<IncomingMessage> {
    const parameters = Object.entries(query ?? {}).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const search = parameters.length > 0 ? `?${new URLSearchParams(parameters)}` : "";
    const stream = body && "pipe" in body ? body : undefined;
    const type = { "Content-Type": stream ? "application/x-tar" : "application/json" };
    return new Promise((resolve, reject) => {
      const options = { socketPath: this.socketPath, method, path: this.#prefix + path + search, signal };
      const outgoing = request({ ...options, headers: { ...(body ? type : {}), ...headers } }, resolve);
      outgoing.once("error", (error) => reject(signal?.aborted ? signal.reason : error));
      if (!stream) outgoing.end(body === undefined ? undefined : JSON.stringify(body));
      // A daemon that has seen enough answers before the end and stops reading; its answer says why.
      else pipeline(stream, outgoing).catch((error) => (outgoing.destroyed ? reject(error) : outgoing.destroy(error)));
    });
  }
}

function check(response: IncomingMessage, text: string): void {
  if ((response.statusCode ?? 500) < 400) return;
  throw new EngineError(`Docker answered ${response.statusCode}: ${messageIn(text)}`);
}

function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text.trim();
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) text += chunk;
  return text;
}

async function* lines(response: IncomingMessage): AsyncGenerator<string> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) if (part.trim() !== "") yield part;
  }
  if (rest.trim() !== "") yield rest;
}
