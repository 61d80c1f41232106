import type { Node } from "web-tree-sitter";
import type { BicepFile } from "./parse.ts";

/** param: the declared type is one word of Bicep, or the name of a type in the file, with [] and ? as written. */
export interface Param {
  readonly node: Node;
  readonly type: string;
  readonly default: Node | undefined;
  readonly allowed: readonly string[] | undefined;
  readonly secure: boolean;
}

export interface Resource {
  readonly node: Node;
  readonly type: string;
  readonly apiVersion: string;
  readonly existing: boolean;
  readonly body: Node;
}

export interface Module {
  readonly node: Node;
  readonly path: string;
  readonly body: Node;
}

/** What a file declares, by name. */
export interface Declarations {
  readonly targetScope: string;
  readonly params: ReadonlyMap<string, Param>;
  readonly vars: ReadonlyMap<string, { node: Node; value: Node }>;
  readonly types: ReadonlyMap<string, Node>;
  readonly resources: ReadonlyMap<string, Resource>;
  readonly modules: ReadonlyMap<string, Module>;
  readonly outputs: ReadonlyMap<string, { node: Node; value: Node }>;
}

export function declarationsOf(file: BicepFile): Declarations {
  const params = new Map<string, Param>();
  const vars = new Map<string, { node: Node; value: Node }>();
  const types = new Map<string, Node>();
  const resources = new Map<string, Resource>();
  const modules = new Map<string, Module>();
  const outputs = new Map<string, { node: Node; value: Node }>();
  let targetScope = "resourceGroup";
  let decorators: Node | undefined;
  for (const node of file.root.namedChildren) {
    const parts = node.namedChildren.filter((child) => child.type !== "comment");
    const name = parts[0]?.text ?? "";
    const last = parts.at(-1);
    if (node.type === "target_scope_assignment") targetScope = stringText(parts[0]) ?? "";
    else if (node.type === "parameter_declaration") params.set(name, param(node, parts, decorators));
    else if (node.type === "variable_declaration" && last) vars.set(name, { node, value: last });
    else if (node.type === "type_declaration") types.set(name, node);
    else if (node.type === "output_declaration" && last) outputs.set(name, { node, value: last });
    else if (node.type === "resource_declaration" && last) resources.set(name, resource(node, parts, last));
    else if (node.type === "module_declaration" && last) {
      modules.set(name, { node, path: stringText(parts[1]) ?? "", body: bodyObject(last) });
    }
    if (node.type !== "comment") decorators = node.type === "decorators" ? node : undefined;
  }
  return { targetScope, params, vars, types, resources, modules, outputs };
}

function param(node: Node, parts: readonly Node[], decorators: Node | undefined): Param {
  const calls = (decorators?.namedChildren ?? []).map((decorator) => decorator.namedChildren[0]);
  const allowed = calls.find((call) => call?.childForFieldName("function")?.text === "allowed");
  const list = allowed?.childForFieldName("arguments")?.namedChildren[0]?.namedChildren;
  return {
    node,
    type: parts[1]?.text ?? "",
    default: parts[2],
    allowed: list?.map((item) => stringText(item) ?? item.text),
    secure: calls.some((call) => call?.childForFieldName("function")?.text === "secure"),
  };
}

function resource(node: Node, parts: readonly Node[], last: Node): Resource {
  const [type = "", apiVersion = ""] = (stringText(parts[1]) ?? "").split("@");
  const existing = node.children.some((child) => child.type === "existing");
  return { node, type, apiVersion, existing, body: bodyObject(last) };
}

/** The object behind `if (…) {…}` or `[for x in y: {…}]`. */
function bodyObject(node: Node): Node {
  if (node.type === "object") return node;
  const inner = node.childForFieldName("body") ?? node.namedChildren.at(-1);
  return inner && inner.type !== node.type ? bodyObject(inner) : node;
}

/** The text of a string without interpolation, else undefined. */
export function stringText(node: Node | null | undefined): string | undefined {
  if (node?.type !== "string") return undefined;
  if (node.namedChildren.some((child) => child.type === "interpolation")) return undefined;
  return node.namedChildren
    .map((child) => (child.type === "escape_sequence" ? child.text.slice(1) : child.text))
    .join("");
}

/** Properties of an object literal in order: key (undefined when interpolated), node, value. */
export function propertiesOf(object: Node): { key: string | undefined; node: Node; value: Node }[] {
  return object.namedChildren.flatMap((node) => {
    if (node.type !== "object_property") return [];
    const [name, value] = node.namedChildren.filter((child) => child.type !== "comment");
    if (!name || !value) return [];
    return [{ key: name.type === "string" ? stringText(name) : name.text, node, value }];
  });
}

/** The value of one property of an object literal. */
export function propertyOf(object: Node | undefined, ...path: string[]): Node | undefined {
  let at = object;
  for (const key of path) at = at && propertiesOf(at).find((property) => property.key === key)?.value;
  return at;
}
