import type { Node } from "web-tree-sitter";
import { type Declarations, propertiesOf, type Resource } from "./declarations.ts";
import { type Problem, problemAt } from "./problem.ts";
import { type ObjectType, propertyType, type ResourceSchema } from "./schema.ts";
import { type Value, valuesOf } from "./values.ts";

/** Bicep's own words in a resource body, not the type's. */
const BICEP_KEYS = new Set(["parent", "scope", "dependsOn"]);

/** Checks every resource of a file against its type: names, presence, kinds, enumerations, nothing read-only assigned. */
export function checkResources(
  path: string,
  declared: Declarations,
  schemas: ReadonlyMap<string, ResourceSchema>,
): Problem[] {
  return [...declared.resources.values()].flatMap((resource) => {
    const schema = schemas.get(resource.type);
    if (!schema) {
      const message = `no schema for ${resource.type}: run scripts/write-bicep-schemas.mjs, or correct the name`;
      return [problemAt(path, resource.node, message)];
    }
    const problems: Problem[] = [];
    if (resource.apiVersion !== schema.apiVersion) {
      const message = `${resource.type}@${resource.apiVersion}: the version that can be checked is ${schema.apiVersion}`;
      problems.push(problemAt(path, resource.node, message));
    }
    const check = new BodyCheck(path, declared, schema);
    if (resource.existing) problems.push(...existingBody(path, resource));
    else problems.push(...check.object(resource.body, schema.body, BICEP_KEYS));
    return problems;
  });
}

function existingBody(path: string, resource: Resource): Problem[] {
  return propertiesOf(resource.body)
    .filter(({ key }) => key !== "name" && key !== "parent" && key !== "scope")
    .map(({ key, node }) => problemAt(path, node, `an existing resource has no '${key}' to set`));
}

class BodyCheck {
  readonly #path: string;
  readonly #declared: Declarations;
  readonly #schema: ResourceSchema;

  constructor(path: string, declared: Declarations, schema: ResourceSchema) {
    this.#path = path;
    this.#declared = declared;
    this.#schema = schema;
  }

  object(node: Node, type: ObjectType, alsoAllowed: ReadonlySet<string> = new Set()): Problem[] {
    const problems: Problem[] = [];
    const given = new Set<string>();
    for (const { key, node: at, value } of propertiesOf(node)) {
      if (key !== undefined && alsoAllowed.has(key)) continue;
      if (key !== undefined && given.has(key)) problems.push(problemAt(this.#path, at, `'${key}' is given twice`));
      given.add(key ?? "");
      const property = propertyType(type, key ?? "");
      if (!property) problems.push(problemAt(this.#path, at, `unknown property '${key}' in ${this.#schema.type}`));
      else if (property.readOnly) problems.push(problemAt(this.#path, at, `'${key}' is read-only`));
      else problems.push(...this.value(value, property.type, key ?? "key"));
    }
    for (const key of Object.keys(type.properties)) {
      const required = propertyType(type, key)?.required && !given.has(key);
      if (required) problems.push(problemAt(this.#path, node, `'${key}' is required in ${this.#schema.type}`));
    }
    return problems;
  }

  value(node: Node, type: string, key: string): Problem[] {
    return valuesOf(node, this.#declared).flatMap((value) => this.#oneValue(value, type, key));
  }

  #oneValue(value: Value, type: string, key: string): Problem[] {
    if (type === "any" || value.kind === "unknown" || value.kind === "null") return [];
    const wrong = (found: string) => [problemAt(this.#path, value.node, `'${key}' wants ${type}, found ${found}`)];
    if (type.endsWith("[]")) {
      if (value.kind !== "array") return wrong(value.kind);
      return elementsOf(value.node).flatMap((element) => this.value(element, type.slice(0, -2), key));
    }
    const choices = type.split(" | ");
    if (!("text" in value)) {
      const objects = value.kind === "object" ? choices.flatMap((choice) => this.#schema.types[choice] ?? []) : [];
      return objects[0] ? this.object(value.node, objects[0]) : wrong(`an ${value.kind}`);
    }
    if (value.kind !== "string") {
      return choices.includes(value.kind) ? [] : wrong([value.kind, value.text].join(" ").trim());
    }
    if (value.text === undefined || choices.includes(value.text)) return [];
    // `… | string` leaves the list open for later versions of the service; at a pinned version we hold to the list.
    const listed = choices.some((choice) => !SCALARS.has(choice) && !this.#schema.types[choice]);
    return !listed && choices.includes("string") ? [] : wrong(`'${value.text}'`);
  }
}

const SCALARS = new Set(["string", "int", "bool", "any"]);

function elementsOf(node: Node): Node[] {
  if (node.type === "for_statement") return [node.childForFieldName("body")!];
  return node.namedChildren.filter((child) => child.type !== "comment");
}
