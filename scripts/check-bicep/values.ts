import type { Node } from "web-tree-sitter";
import { type Declarations, propertiesOf, stringText } from "./declarations.ts";

/** What an expression may turn out to be, as far as the text of one file can say. */
export type Value =
  | { readonly kind: "string" | "int" | "bool"; readonly text: string | undefined; readonly node: Node }
  | { readonly kind: "object" | "array" | "null" | "unknown"; readonly node: Node };

/** Bicep functions in use and what they answer. A name that is not here is a typing error until someone adds it. */
export const FUNCTIONS: Readonly<Record<string, Value["kind"]>> = {
  bool: "bool",
  empty: "bool",
  environment: "unknown",
  guid: "string",
  int: "int",
  json: "unknown",
  readEnvironmentVariable: "string",
  resourceGroup: "unknown",
  subscription: "unknown",
  subscriptionResourceId: "string",
  union: "unknown",
  uniqueString: "string",
};

/** Every value the expression can have: both branches of a choice, every element a loop variable stands for. */
export function valuesOf(node: Node, declared: Declarations): Value[] {
  switch (node.type) {
    case "string":
      return [{ kind: "string", text: stringText(node), node }];
    case "number":
      return [{ kind: "int", text: node.text, node }];
    case "boolean":
      return [{ kind: "bool", text: node.text, node }];
    case "null":
      return [{ kind: "null", node }];
    case "object":
      return [{ kind: "object", node }];
    case "array":
    case "for_statement":
      return [{ kind: "array", node }];
    case "parenthesized_expression":
      return node.namedChildren.flatMap((child) => valuesOf(child, declared));
    case "ternary_expression":
      return ["consequence", "alternative"].flatMap((field) => valuesOf(node.childForFieldName(field)!, declared));
    case "unary_expression":
      return [{ kind: node.childForFieldName("operator")?.text === "!" ? "bool" : "int", text: undefined, node }];
    case "identifier":
      return valuesOfName(node, declared);
    case "subscript_expression":
    case "member_expression":
      return valuesOfMember(node, declared);
    case "call_expression":
      return valuesOfCall(node, declared);
    default:
      return [{ kind: "unknown", node }];
  }
}

/** Of a conversion, the argument's text; of an environment variable, its default: what a plain `azd up` would use. */
function valuesOfCall(node: Node, declared: Declarations): Value[] {
  const name = node.childForFieldName("function")?.text ?? "";
  const kind = FUNCTIONS[name] ?? "unknown";
  if (kind !== "string" && kind !== "int" && kind !== "bool") return [{ kind: "unknown", node }];
  const args = node.childForFieldName("arguments")?.namedChildren ?? [];
  const carried =
    name === "readEnvironmentVariable" ? args[1] : name === "int" || name === "bool" ? args[0] : undefined;
  if (!carried) return [{ kind, text: undefined, node }];
  return valuesOf(carried, declared).map((value) => ({ kind, text: "text" in value ? value.text : undefined, node }));
}

function valuesOfName(node: Node, declared: Declarations): Value[] {
  const looped = loopOver(node);
  if (looped) {
    return valuesOf(looped, declared).flatMap((list): Value[] =>
      list.kind === "array" && list.node.type === "array"
        ? list.node.namedChildren.flatMap((item) => (item.type === "comment" ? [] : valuesOf(item, declared)))
        : [{ kind: "unknown", node }],
    );
  }
  const variable = declared.vars.get(node.text);
  if (variable) return valuesOf(variable.value, declared);
  const param = declared.params.get(node.text);
  if (param?.type === "string" || param?.type === "int" || param?.type === "bool") {
    const kind = param.type;
    return (param.allowed ?? [undefined]).map((text) => ({ kind, text, node }));
  }
  return [{ kind: "unknown", node }];
}

/** `names.web` and `names['web']` where `names` is an object literal. */
function valuesOfMember(node: Node, declared: Declarations): Value[] {
  const object = node.childForFieldName("object");
  const key = node.childForFieldName("property")?.text ?? stringText(node.childForFieldName("index"));
  if (object?.type !== "identifier" || key === undefined) return [{ kind: "unknown", node }];
  return valuesOf(object, declared).flatMap((value): Value[] => {
    const found =
      value.kind === "object" ? propertiesOf(value.node).find((property) => property.key === key) : undefined;
    return found ? valuesOf(found.value, declared) : [{ kind: "unknown", node }];
  });
}

/** What an identifier iterates over, when an enclosing loop declares it. */
export function loopOver(node: Node): Node | undefined {
  for (let at = node.parent; at; at = at.parent) {
    if (at.type !== "for_statement" || at.childForFieldName("initializer")?.text !== node.text) continue;
    const list = at.namedChildren.find((child) => child.startIndex > at.childForFieldName("initializer")!.startIndex);
    if (list && !list.equals(node)) return list;
  }
  return undefined;
}
