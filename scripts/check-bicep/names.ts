import type { Node } from "web-tree-sitter";
import type { Declarations } from "./declarations.ts";
import { type BicepFile, descendants } from "./parse.ts";
import { type Problem, problemAt } from "./problem.ts";
import { type ResourceSchema, unknownStep } from "./schema.ts";
import { FUNCTIONS, loopOver } from "./values.ts";

const DECORATORS = new Set(["allowed", "description", "maxLength", "maxValue", "minLength", "minValue", "secure"]);

/** Share one set of names; outputs and metadata have their own. */
const DECLARATIONS = /^(parameter|variable|type|resource|module)_declaration$/;

/** Every name used is declared, every parameter and variable is used, every property read from a resource or module exists. */
export function checkNames(
  file: BicepFile,
  declared: Declarations,
  schemas: ReadonlyMap<string, ResourceSchema>,
  outputsOf: (modulePath: string) => ReadonlySet<string> | undefined,
): Problem[] {
  const problems: Problem[] = [];
  const used = new Set<string>();
  const seen = new Set<string>();
  for (const node of descendants(file.root)) {
    if (node.type === "member_expression" && node.parent?.type !== "member_expression") {
      problems.push(...checkRead(file.path, node, declared, schemas, outputsOf));
    }
    if (node.parent?.equals(file.root) && DECLARATIONS.test(node.type)) {
      const name = node.namedChildren[0]?.text ?? "";
      if (seen.has(name)) problems.push(problemAt(file.path, node, `'${name}' is declared twice`));
      seen.add(name);
    }
    if (node.type !== "identifier" || declares(node)) continue;
    used.add(node.text);
    if (!isKnown(node, declared)) problems.push(problemAt(file.path, node, `'${node.text}' is not declared`));
  }
  for (const [name, { node }] of [...declared.params, ...declared.vars]) {
    const unused = !used.has(name) && !file.path.endsWith(".bicepparam");
    if (unused) problems.push(problemAt(file.path, node, `'${name}' is declared and not used`));
  }
  return problems;
}

/** The identifier names what is declared or a key, rather than using something. */
function declares(node: Node): boolean {
  const parent = node.parent;
  if (!parent) return false;
  if (parent.type === "object_property") return parent.namedChildren[0]?.equals(node) ?? false;
  if (parent.type === "for_statement") return parent.childForFieldName("initializer")?.equals(node) ?? false;
  return parent.type.endsWith("_declaration") && (parent.namedChildren[0]?.equals(node) ?? false);
}

function isKnown(node: Node, { params, vars, types, resources, modules }: Declarations): boolean {
  const parent = node.parent;
  if (parent?.type === "call_expression" && parent.childForFieldName("function")?.equals(node)) {
    return parent.parent?.type === "decorator" ? DECORATORS.has(node.text) : Object.hasOwn(FUNCTIONS, node.text);
  }
  const tables = [params, vars, types, resources, modules];
  return tables.some((table) => table.has(node.text)) || loopOver(node) !== undefined;
}

function checkRead(
  path: string,
  node: Node,
  declared: Declarations,
  schemas: ReadonlyMap<string, ResourceSchema>,
  outputsOf: (modulePath: string) => ReadonlySet<string> | undefined,
): Problem[] {
  const steps: string[] = [];
  let at: Node | null = node;
  for (; at?.type === "member_expression"; at = at.childForFieldName("object")) {
    steps.unshift(at.childForFieldName("property")?.text ?? "");
  }
  if (at?.type !== "identifier") return [];
  const module = declared.modules.get(at.text);
  if (module) {
    const [outputs, name = ""] = steps;
    const exists = outputs === "name" || (outputs === "outputs" && outputsOf(module.path)?.has(name));
    return exists ? [] : [problemAt(path, node, `${module.path} has no ${steps.join(".")}`)];
  }
  const resource = declared.resources.get(at.text);
  const schema = resource && schemas.get(resource.type);
  const unknown = schema && unknownStep(schema, steps);
  return unknown ? [problemAt(path, node, `${resource?.type} has no '${unknown}' to read`)] : [];
}
