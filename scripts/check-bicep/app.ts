import { type Declarations, propertyOf, stringText } from "./declarations.ts";
import type { Problem } from "./problem.ts";
import type { Source } from "./source.ts";
import { valuesOf } from "./values.ts";

/** What the design gives the app, whether or not the code that uses it is written yet. */
const QUEUES = ["events", "registries", "run-work", "reports", "registry-events"];
const TABLES = ["slipway", "deliveries"];
const CONTAINERS = ["deployment", "logs"];
const SETTINGS = [
  ...["AzureWebJobsStorage", "SlipwayStorage"].flatMap((connection) =>
    ["credential", "clientId", "blobServiceUri", "queueServiceUri", "tableServiceUri"].map(
      (part) => `${connection}__${part}`,
    ),
  ),
  "AZURE_CLIENT_ID",
  "APPLICATIONINSIGHTS_CONNECTION_STRING",
  "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
  "SLIPWAY_GITHUB_APP_ID",
  "SLIPWAY_GITHUB_APP_PRIVATE_KEY",
  "SLIPWAY_GITHUB_WEBHOOK_SECRET",
  "SLIPWAY_GITHUB_WEBHOOK_SECRET_PREVIOUS",
  "SLIPWAY_GITHUB_API_URL",
  "SLIPWAY_ARM_ENDPOINT",
  "SLIPWAY_PLATFORM_FILE",
  "SLIPWAY_PUBLIC_URL",
  "SLIPWAY_SWEEP_SCHEDULE",
  "SLIPWAY_BASE_CHECK_SCHEDULE",
];
/** Settings whose value is a Key Vault reference, or empty. */
const SECRET = /PRIVATE_KEY|SECRET|TOKEN|PASSWORD/;
/** Flex Consumption refuses these or takes them from functionAppConfig. */
const NOT_ON_FLEX =
  /^(FUNCTIONS_WORKER_RUNTIME|FUNCTIONS_EXTENSION_VERSION|WEBSITE_RUN_FROM_PACKAGE|WEBSITE_CONTENT.*)$/;

/** The template gives the code every queue, table, container and setting that it uses. */
export function checkApp(source: Source, files: ReadonlyMap<string, Declarations>): Problem[] {
  const named = (type: string) => new Set([...files.values()].flatMap((declared) => namesOf(type, declared)));
  const account = "Microsoft.Storage/storageAccounts";
  const { queues, problems } = queuesInCode(source);
  const wanted: [what: string, names: readonly string[], type: string][] = [
    ["queue", queues.flatMap((queue) => [queue, `${queue}-poison`]), `${account}/queueServices/queues`],
    ["table", TABLES, `${account}/tableServices/tables`],
    ["container", CONTAINERS, `${account}/blobServices/containers`],
  ];
  for (const [what, names, type] of wanted) {
    const given = named(type);
    for (const name of names) {
      if (!given.has(name)) problems.push({ path: "infra", line: 0, message: `there is no ${what} ${name}` });
    }
  }
  return [...problems, ...checkSettings(source, files)];
}

function namesOf(type: string, declared: Declarations): string[] {
  const resources = [...declared.resources.values()].filter((resource) => resource.type === type && !resource.existing);
  return resources.flatMap((resource) => {
    const name = propertyOf(resource.body, "name");
    return name ? valuesOf(name, declared).flatMap((value) => ("text" in value ? (value.text ?? []) : [])) : [];
  });
}

/** Queue triggers in src/functions, and the fixed list. */
function queuesInCode(source: Source): { queues: string[]; problems: Problem[] } {
  const queues = new Set(QUEUES);
  const problems: Problem[] = [];
  for (const [path, text] of source) {
    if (!path.startsWith("src/functions/")) continue;
    for (const [, written = ""] of text.matchAll(/\bqueueName:\s*([^,\n}]+)/g)) {
      const literal = /^["'`]([a-z0-9-]+)["'`]/.exec(written)?.[1];
      if (literal) queues.add(literal);
      else
        problems.push({ path, line: 0, message: `queueName: ${written.trim()} is not a string this check can read` });
    }
  }
  return { queues: [...queues], problems };
}

function checkSettings(source: Source, files: ReadonlyMap<string, Declarations>): Problem[] {
  const given = appSettings(files);
  const problems: Problem[] = [];
  const complain = (path: string, message: string) => problems.push({ path, line: 0, message });
  const optional = optionalSettings(source.get("docs/deploy.md") ?? "");
  const read = settingsInCode(source);
  for (const name of new Set([...SETTINGS, ...read])) {
    const excused = optional.has(name) && !SETTINGS.includes(name);
    if (!given.has(name) && !excused)
      complain("infra", `the app setting ${name} is not set (nor documented as optional)`);
  }
  for (const [name, values] of given) {
    const plain =
      SECRET.test(name) && values.some((value) => value !== "" && !value.startsWith("@Microsoft.KeyVault("));
    if (plain) complain("infra", `${name} must be a Key Vault reference`);
  }
  for (const name of given.keys()) if (NOT_ON_FLEX.test(name)) complain("infra", `${name} is not for Flex Consumption`);
  return [...problems, ...checkSample(source, [...given.keys(), ...read])];
}

/** What src/settings.ts reads and what bindings name as %SETTING%. */
function settingsInCode(source: Source): Set<string> {
  const names = new Set(source.get("src/settings.ts")?.match(/\bSLIPWAY_[A-Z0-9_]*[A-Z0-9]\b/g) ?? []);
  for (const [path, text] of source) {
    if (!path.startsWith("src/functions/")) continue;
    for (const [, name = ""] of text.matchAll(/%([A-Z][A-Z0-9_]+)%/g)) names.add(name);
  }
  return names;
}

/** Possible values by name, as written in Bicep: the text of a string, interpolations included. */
function appSettings(files: ReadonlyMap<string, Declarations>): Map<string, string[]> {
  const settings = new Map<string, string[]>();
  for (const declared of files.values()) {
    for (const resource of declared.resources.values()) {
      if (resource.type !== "Microsoft.Web/sites" || resource.existing) continue;
      const list = propertyOf(resource.body, "properties", "siteConfig", "appSettings");
      for (const item of list?.namedChildren ?? []) {
        const name = item.type === "object" ? stringText(propertyOf(item, "name")) : undefined;
        const value = propertyOf(item, "value");
        const texts = value ? valuesOf(value, declared).map(({ node }) => node.text.replace(/^'|'$/g, "")) : [];
        if (name) settings.set(name, texts);
      }
    }
  }
  return settings;
}

/** Names in code quotes under the heading "Optional settings" of docs/deploy.md. */
function optionalSettings(markdown: string): Set<string> {
  const section = /^#+ Optional settings\n([\s\S]*?)(?=^#|(?![\s\S]))/m.exec(markdown)?.[1] ?? "";
  return new Set([...section.matchAll(/`(SLIPWAY_[A-Z0-9_]+)`/g)].map(([, name = ""]) => name));
}

/** local.settings.sample.json names every setting; a connection by identity becomes one by connection string. */
function checkSample(source: Source, names: readonly string[]): Problem[] {
  const path = "local.settings.sample.json";
  const text = source.get(path);
  if (text === undefined) return [{ path, line: 0, message: "there is none" }];
  const { Values = {} } = JSON.parse(text) as { Values?: Record<string, string> };
  const wanted = new Set(names.map((name) => name.replace(/__.*$/, "")));
  const problems: Problem[] = [];
  for (const name of wanted) {
    const deployedOnly = name === "AZURE_CLIENT_ID" || name.startsWith("APPLICATIONINSIGHTS_");
    if (!deployedOnly && !Object.hasOwn(Values, name)) problems.push({ path, line: 0, message: `${name} is missing` });
  }
  return problems;
}
