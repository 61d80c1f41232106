/** The only place that constructs: settings → clients → what each handler needs. */

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openApiOf } from "./api/openapi.ts";
import { dispatch } from "./api/route.ts";
import { readRoutes, writeRoutes } from "./api/routes.ts";
import { type AcrTasks, createAcrTasks } from "./azure/acr-tasks.ts";
import { createCredential } from "./azure/credential.ts";
import { createLogStore } from "./azure/log-store.ts";
import { createQueues } from "./azure/queues.ts";
import { openStorage } from "./azure/storage.ts";
import { createTableRows } from "./azure/table-rows.ts";
import { uploadContext } from "./azure/upload-context.ts";
import { parsePlatformYaml } from "./config/platform-yaml.ts";
import { parseSlipwayYaml } from "./config/slipway-yaml.ts";
import type { Platform } from "./core/config/platform.ts";
import { problemText } from "./core/config/problem-text.ts";
import { mayPublish } from "./core/config/publish.ts";
import type { DigestLookup, Look, Offered } from "./core/image/digest-lookup.ts";
import { parseReference } from "./core/image/reference.ts";
import type { LogHead } from "./core/run/call.ts";
import { defaultTiming } from "./core/run/desk.ts";
import { rangeOf, keys as rowKeys } from "./core/state/keys.ts";
import type { Track, TrackPointer } from "./core/state/rows.ts";
import { InternalError, PermanentError } from "./errors.ts";
import { createGitHubAuth } from "./github/auth.ts";
import { createGitHub } from "./github/github.ts";
import { readPushEvent } from "./github/push-event.ts";
import { verifySignature } from "./github/verify-signature.ts";
import { askRegistry } from "./handlers/ask-registry.ts";
import type { CheckPorts } from "./handlers/check-base-images.ts";
import { isOneOf } from "./handlers/is-one-of.ts";
import type { ReconcilePorts } from "./handlers/pass/pass.ts";
import { readRefAs } from "./handlers/read-ref-as.ts";
import { readValue } from "./handlers/read-rows.ts";
import type { ReceivePorts } from "./handlers/receive-github-delivery.ts";
import type { ReceiveEventPorts } from "./handlers/receive-registry-event.ts";
import { createRegistries, isOurs } from "./handlers/registries.ts";
import type { ReportPorts } from "./handlers/report-run.ts";
import type { ResolvePorts } from "./handlers/resolve-event.ts";
import type { RunWorkPorts } from "./handlers/run-work.ts";
import type { SweepPorts } from "./handlers/sweep.ts";
import { createAcrCredentials } from "./oci/acr-token.ts";
import { externalRegistries } from "./oci/external-registries.ts";
import { createOciClient } from "./oci/registry-client.ts";
import type { Log } from "./ports.ts";
import { platformFileOf, readSettings, type Settings } from "./settings.ts";
import { streamContext } from "./source-context/context-stream.ts";

/** Where a run's marker stands: long before this many bytes of its log. */
const logHeadBytes = 16 * 1024;

export type App = ReturnType<typeof createApp>;

/** Throws one error that lists everything that is missing or wrong, so that a deployment is mended in one go. */
export function loadApp(env: Readonly<Record<string, string | undefined>>, appRoot: string): App {
  const read = readSettings(env);
  const problems = read.ok ? [] : [...read.problems];
  const platform = loadPlatform(platformFileOf(env), appRoot, problems);
  if (!read.ok || !platform) throw new Error(`Slipway cannot start:\n${problems.map((p) => `- ${p}`).join("\n")}`);
  return createApp(read.settings, platform);
}

function loadPlatform(platformFile: string, appRoot: string, problems: string[]): Platform | undefined {
  const path = isAbsolute(platformFile) ? platformFile : join(appRoot, platformFile);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    problems.push(`SLIPWAY_PLATFORM_FILE: cannot read ${path} (${(error as NodeJS.ErrnoException).code})`);
    return undefined;
  }
  const parsed = parsePlatformYaml(text);
  if (parsed.ok) return parsed.value;
  problems.push(...parsed.problems.map((problem) => problemText(path, problem)));
  return undefined;
}

function createApp(settings: Settings, platform: Platform) {
  const now = () => Date.now();
  const newId = () => randomUUID();
  const storage = openStorage(settings.storage, settings.managedIdentity);
  const rows = createTableRows(storage.table("slipway"));
  const deliveries = createTableRows(storage.table("deliveries"));
  const queues = createQueues(storage.queues);
  const logs = createLogStore(storage.blobs);
  const credential = createCredential({
    managedIdentity: settings.managedIdentity,
    ...(settings.azureClientId ? { clientId: settings.azureClientId } : {}),
  });
  const auth = createGitHubAuth({ apiUrl: settings.githubApiUrl, credential: settings.github });
  const github = createGitHub({ apiUrl: settings.githubApiUrl, auth });

  const tasks = new Map<string, AcrTasks>();
  const acrOf = (alias: string): AcrTasks => {
    const known = tasks.get(alias);
    if (known) return known;
    const registry = platform.registries[alias];
    if (!registry) throw new PermanentError("unknown-registry", `slipway.platform.yaml names no registry "${alias}"`);
    const made = createAcrTasks({ armEndpoint: settings.armEndpoint, credential, registry });
    tasks.set(alias, made);
    return made;
  };
  const registries = createRegistries({ platform, rows, factsOf: (alias) => acrOf(alias).registryFacts(), now });

  // Our Entra token goes to the login servers of configured registries and nowhere else.
  const acrCredential = createAcrCredentials({ armEndpoint: settings.armEndpoint, credential });
  const external = externalRegistries(platform.baseUpdates.registries, settings.registryCredentials);
  const oci = createOciClient({
    credentials: async (host) => ((await isOurs(host, registries)) ? acrCredential(host) : external.credential(host)),
    tokenHosts: external.tokenHosts,
  });
  const ask = { registries, isListed: external.isListed, look: oci.look };
  const look = (text: string, offered?: Offered): Promise<Look> => askRegistry(text, ask, offered);
  const resolveDigest = async (text: string): Promise<DigestLookup> => (await look(text)).lookup;
  const moveTag = async (text: string, digest: string): Promise<void> => {
    const parsed = parseReference(text);
    if (!parsed.ok || parsed.reference.tag === undefined) throw new InternalError(`not a tag: ${text}`);
    await oci.moveTag(parsed.reference, digest, parsed.reference.tag);
  };

  const inbox = { rows, queues, now, newId };
  const history = { rows, registries };
  const tracksOf: ResolvePorts["tracksOf"] = async (registry, source, ref) =>
    (await rows.list(registry.partition, rangeOf("track", String(source.id), ref), 10_000)).map(
      (r) => r.value as Track,
    );
  const makerOf: ResolvePorts["makerOf"] = async ({ partition }, reference) =>
    (await readValue<TrackPointer>(rows, partition, rowKeys.makes(reference)))?.track;
  const readRefPorts = { github, platform, registries, parseConfig: parseSlipwayYaml, tracksOf, makerOf };
  const policy = { waves: platform.waves, freeze: platform.freeze };
  const write = writeRoutes({
    ...history,
    ...inbox,
    resolveDigest,
    policy,
    mayPublish: (source, alias, repository) => mayPublish(platform, source, alias, repository),
    readRefAs: (source, ref, config) => readRefAs(source, ref, config, { ...readRefPorts, rows }),
  });
  const read = readRoutes({
    ...history,
    factsOf: (alias) => acrOf(alias).registryFacts(),
    pingGitHub: () => github.ping(),
    acrLog: (alias, acrRunId) => acrOf(alias).logReader(acrRunId),
    keptLog: (blob, offset, maxBytes) => logs.read(blob, offset, maxBytes),
    sleep: (ms) => sleep(ms),
    now,
  });
  const openApi = openApiOf([...read, ...write]);

  return {
    queues,
    receive: (log: Log): ReceivePorts => ({
      queues,
      isSigned: (body, signature) => verifySignature(settings.webhookSecrets, body, signature),
      readPush: readPushEvent,
      now,
      log,
    }),
    receiveEvent: (log: Log): ReceiveEventPorts => ({
      queues,
      isKey: (sender, key) => {
        const keys = settings.eventKeys[sender];
        return keys.length === 0 ? undefined : isOneOf(keys, key);
      },
      now,
      log,
    }),
    resolve: (log: Log): ResolvePorts => ({
      ...inbox,
      ...readRefPorts,
      deliveries,
      resolveDigest,
      settleSeconds: platform.baseUpdates.settleSeconds,
      log,
    }),
    reconcile: async (alias: string, log: Log): Promise<ReconcilePorts> => ({
      registry: await registries.find(alias),
      rows,
      queues,
      acr: { ...acrOf(alias), logHead: (acrRunId) => readLogHead(acrOf(alias), acrRunId) },
      resolveDigest,
      now,
      newId,
      timing: defaultTiming,
      policy,
      mayPublish: (source, repository) => mayPublish(platform, source, alias, repository),
      log,
    }),
    runWork: async (alias: string, log: Log): Promise<RunWorkPorts> => ({
      ...inbox,
      registry: await registries.find(alias),
      github,
      acr: acrOf(alias),
      streamContext: (tarball, contextPrefix, dockerfile, rewrite) =>
        streamContext({ tarball, contextPrefix, dockerfile, ...(rewrite && { rewrite }) }),
      upload: uploadContext,
      logs,
      resolveDigest,
      moveTag,
      log,
    }),
    report: (log: Log): ReportPorts => ({
      rows,
      registries,
      github,
      publicUrl: settings.publicUrl,
      log,
    }),
    checkBases: (log: Log): CheckPorts => ({
      rows,
      queues,
      registries,
      look,
      checkSeconds: platform.baseUpdates.checkSeconds,
      now,
      log,
    }),
    sweep: (log: Log): SweepPorts => ({ rows, queues, registries, github, now, newId, log }),
    api: {
      read: (request: Parameters<typeof dispatch>[1]) => dispatch(read, request),
      write: (request: Parameters<typeof dispatch>[1]) => dispatch(write, request),
      openApi,
    },
  };
}

async function readLogHead(acr: AcrTasks, acrRunId: string): Promise<LogHead> {
  try {
    const reader = await acr.logReader(acrRunId);
    const piece = await reader.read(0, logHeadBytes);
    return { kind: "text", text: Buffer.from(piece.bytes).toString("utf8") };
  } catch (error) {
    // A log that is gone says nothing; what the run pushed may.
    if (error instanceof PermanentError) return { kind: "unknown" };
    throw error;
  }
}
