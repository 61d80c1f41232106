import { openApiOf } from "../../src/api/openapi.ts";
import { type ApiRequest, dispatch, type Route } from "../../src/api/route.ts";
import { type ReadPorts, readRoutes, type WritePorts, writeRoutes } from "../../src/api/routes.ts";
import { parseSlipwayYaml } from "../../src/config/slipway-yaml.ts";
import { defaultWaves } from "../../src/core/config/platform.ts";
import { putRun } from "../../src/core/run/transition.ts";
import { rangeOf } from "../../src/core/state/keys.ts";
import type { Inbox, Run, Track } from "../../src/core/state/rows.ts";
import { readRefAs } from "../../src/handlers/read-ref-as.ts";
import type { Registry } from "../../src/handlers/registries.ts";
import type { LogReader } from "../../src/ports.ts";
import { decide } from "../core/state/decide.ts";
import { GitHub } from "../handlers/github.ts";
import { Outside, platformOf } from "../handlers/outside.ts";
import { asDocumented } from "./as-documented.ts";

export interface Asked {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The API over rows in memory, with two registries, and what lies behind its ports. */
export class ApiWorld extends Outside {
  known = this.registries(["acme", "beta"]);
  acrLog: LogReader = { read: async (offset) => ({ bytes: new Uint8Array(), nextOffset: offset, complete: false }) };
  keptLog = new Uint8Array();
  readonly github = new GitHub();
  slept = 0;
  onSleep: () => void = () => {};
  gitHubFault: Error | undefined;
  armFault: Error | undefined;

  readPorts(): ReadPorts {
    return {
      rows: this.rows,
      registries: this.known,
      factsOf: async (alias) => {
        if (this.armFault) throw this.armFault;
        return { loginServer: `${alias}.azurecr.io`, createdAt: "" };
      },
      pingGitHub: async () => {
        if (this.gitHubFault) throw this.gitHubFault;
      },
      now: this.clock,
      acrLog: async () => this.acrLog,
      keptLog: async (_blob, offset, maxBytes) => this.keptLog.subarray(offset, offset + maxBytes),
      sleep: async (ms) => {
        this.slept += ms;
        this.onSleep();
      },
    };
  }
  writePorts(): WritePorts {
    return {
      rows: this.rows,
      registries: this.known,
      queues: this.queues,
      now: this.clock,
      newId: this.newId,
      resolveDigest: async () => ({ kind: "unknown", why: "no registry in this test" }),
      policy: { waves: defaultWaves, freeze: [] },
      mayPublish: () => true,
      readRefAs: (source, ref, config) =>
        readRefAs(source, ref, config, {
          rows: this.rows,
          registries: this.known,
          github: this.github,
          platform: platformOf(this.known.aliases),
          parseConfig: parseSlipwayYaml,
          tracksOf: (registry, { id }, of) => this.tracksOf(registry, id, of),
          makerOf: async () => undefined,
        }),
    };
  }
  routes(): readonly Route[] {
    return asDocumented([...readRoutes(this.readPorts()), ...writeRoutes(this.writePorts())]);
  }
  openApi() {
    return openApiOf(this.routes());
  }

  async ask(method: string, path: string, { query = {}, body, headers = {} }: Asked = {}) {
    const request: ApiRequest = {
      method,
      path,
      query: new Map(Object.entries(query)),
      header: (name) => headers[name],
      text: async () => (body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body)),
    };
    const answer = await dispatch(this.routes(), request);
    const text = typeof answer.body === "string" ? answer.body : Buffer.from(answer.body).toString();
    const isJson = answer.headers["content-type"]?.includes("json") ?? false;
    return { ...answer, text, json: (isJson ? JSON.parse(text) : undefined) as Record<string, never> };
  }
  get(path: string, query: Readonly<Record<string, string>> = {}) {
    return this.ask("GET", path, { query });
  }

  async partition(alias = "acme"): Promise<string> {
    return (await this.known.find(alias)).partition;
  }
  /** Runs with every row that shows a part of them. */
  async store(runs: readonly Run[], alias = "acme"): Promise<void> {
    for (const run of runs)
      await this.put(await this.partition(alias), Object.fromEntries(decide({}, (desk) => putRun(desk, run)).writes));
  }
  async tracksOf({ partition }: Registry, sourceId: number, ref: string): Promise<readonly Track[]> {
    const rows = await this.rows.list(partition, rangeOf("track", String(sourceId), ref), 100);
    return rows.map((r) => r.value as Track);
  }
  async words(alias = "acme"): Promise<readonly Inbox[]> {
    return (await this.rows.list(await this.partition(alias), rangeOf("in"), 100)).map((r) => r.value as Inbox);
  }
}
