import type { Node } from "web-tree-sitter";
import { parse as parseYaml } from "yaml";
import { type Declarations, propertiesOf, propertyOf, type Resource, stringText } from "./declarations.ts";
import { type BicepFile, descendants } from "./parse.ts";
import { type Problem, problemAt } from "./problem.ts";
import type { ResourceSchema } from "./schema.ts";

/** Built-in roles this template may assign, by GUID (learn.microsoft.com/azure/role-based-access-control/built-in-roles). */
const ROLES: Readonly<Record<string, string>> = {
  "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
  "fb382eab-e894-4461-af04-94435c366c3f": "Container Registry Tasks Contributor",
  "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
  "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
  "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
  "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
  "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
  "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
};

/** Properties that must be written, with this value, on every resource of a type we create. */
const MUST_SAY: Readonly<Record<string, readonly (readonly [path: string, value: string])[]>> = {
  "Microsoft.Storage/storageAccounts": [
    ["properties.allowSharedKeyAccess", "false"],
    ["properties.allowBlobPublicAccess", "false"],
    ["properties.minimumTlsVersion", "TLS1_2"],
  ],
  "Microsoft.ContainerRegistry/registries": [
    ["properties.adminUserEnabled", "false"],
    ["properties.roleAssignmentMode", "LegacyRegistryPermissions"],
    ["properties.policies.azureADAuthenticationAsArmPolicy.status", "enabled"],
  ],
  "Microsoft.KeyVault/vaults": [["properties.enableRbacAuthorization", "true"]],
  "Microsoft.Insights/components": [["properties.DisableLocalAuth", "true"]],
  "Microsoft.Web/sites": [["properties.httpsOnly", "true"]],
  "Microsoft.Web/sites/basicPublishingCredentialsPolicies": [["properties.allow", "false"]],
};

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const SECRET_NAME =
  /secret|password|token|credential|connection_?string|instrumentation_?key|access_?key|private_?key|sas_?url/i;

/** The rules that are ours rather than Azure's. */
export function checkHouseRules(
  file: BicepFile,
  declared: Declarations,
  schemas: ReadonlyMap<string, ResourceSchema>,
): Problem[] {
  const created = [...declared.resources.values()].filter((resource) => !resource.existing);
  return [
    ...checkRoles(file),
    ...checkSecrets(file, declared),
    ...created.flatMap((resource) => checkSafeSettings(file.path, resource)),
    ...created.flatMap((resource) => checkTags(file.path, resource, schemas)),
  ];
}

/** A GUID is a role, one of ours, under its own name. */
function checkRoles({ path, root }: BicepFile): Problem[] {
  return [...descendants(root)].flatMap((node) => {
    const guid = stringText(node);
    if (guid === undefined || !GUID.test(guid)) return [];
    const name = ROLES[guid];
    if (name === undefined) return [problemAt(path, node, `${guid} is not in the list of roles we assign`)];
    const key = node.parent?.namedChildren[0];
    const written = key?.type === "string" ? stringText(key) : key?.text;
    return written === name ? [] : [problemAt(path, node, `${guid} is ${name}, here it is called ${written}`)];
  });
}

/** Deployment outputs are kept and shown by Azure and azd: nothing secret in them, and no key is asked for anywhere. */
function checkSecrets({ path, root }: BicepFile, declared: Declarations): Problem[] {
  const problems: Problem[] = [];
  for (const [name, { node, value }] of declared.outputs) {
    if (SECRET_NAME.test(name)) problems.push(problemAt(path, node, `output ${name} is named like a secret`));
    for (const part of descendants(value)) {
      const secure = part.type === "identifier" && declared.params.get(part.text)?.secure;
      const secret = part.type === "property_identifier" && SECRET_NAME.test(part.text);
      if (secure || secret) problems.push(problemAt(path, node, `output ${name} would show ${part.text}`));
    }
  }
  for (const node of descendants(root)) {
    const called = node.type === "call_expression" ? node.childForFieldName("function") : null;
    const name = called?.childForFieldName("property")?.text ?? called?.text ?? "";
    if (/^(list[A-Z]|getSecret)/.test(name))
      problems.push(problemAt(path, node, `${name}() brings a key into the deployment`));
  }
  return problems;
}

function checkSafeSettings(path: string, resource: Resource): Problem[] {
  return (MUST_SAY[resource.type] ?? []).flatMap(([at, wanted]) => {
    const value = propertyOf(resource.body, ...at.split("."));
    const text = stringText(value) ?? value?.text;
    return text === wanted ? [] : [problemAt(path, value ?? resource.node, `${at} must say ${wanted}`)];
  });
}

/** azd finds its resources by tag; a resource that can have tags gets them. */
function checkTags(path: string, resource: Resource, schemas: ReadonlyMap<string, ResourceSchema>): Problem[] {
  if (!Object.hasOwn(schemas.get(resource.type)?.body.properties ?? {}, "tags")) return [];
  const tags = propertyOf(resource.body, "tags");
  const given = tags && [...descendants(tags)].some((node) => node.type === "identifier" && node.text === "tags");
  return given ? [] : [problemAt(path, tags ?? resource.node, "tags must be (or contain) the tags of the environment")];
}

/** `tags` of main.bicep says azd-env-name, and each service of azure.yaml has a resource that says azd-service-name. */
export function checkAzd(
  azureYaml: string | undefined,
  main: Declarations | undefined,
  files: Iterable<Declarations>,
): Problem[] {
  const problems: Problem[] = [];
  const tags = main?.vars.get("tags")?.value;
  const environment = tags && propertyOf(tags, "azd-env-name")?.text;
  if (environment !== "environmentName") {
    problems.push({ path: "infra/main.bicep", line: 0, message: "tags must say 'azd-env-name': environmentName" });
  }
  if (azureYaml === undefined) return [...problems, { path: "azure.yaml", line: 0, message: "there is none" }];
  const { services = {} } = (parseYaml(azureYaml) ?? {}) as { services?: Record<string, unknown> };
  const tagged = new Set([...files].flatMap((declared) => [...declared.resources.values()].flatMap(serviceNames)));
  for (const name of Object.keys(services)) {
    if (tagged.has(name)) continue;
    problems.push({ path: "azure.yaml", line: 0, message: `no resource has the tag azd-service-name: ${name}` });
  }
  return problems;
}

function serviceNames(resource: Resource): string[] {
  const tags: Node | undefined = propertyOf(resource.body, "tags");
  const objects = tags ? [...descendants(tags)].filter((node) => node.type === "object") : [];
  return objects.flatMap((object) =>
    propertiesOf(object).flatMap(({ key, value }) => (key === "azd-service-name" ? (stringText(value) ?? []) : [])),
  );
}
