import { posix } from "node:path";
import type { Node } from "web-tree-sitter";
import { type Declarations, type Param, propertiesOf, propertyOf } from "./declarations.ts";
import { type Problem, problemAt } from "./problem.ts";
import { valuesOf } from "./values.ts";

/** Path of a module relative to the repository root. */
export function modulePath(from: string, path: string): string {
  return posix.join(posix.dirname(from), path);
}

/** Every module exists, gets the parameters it declares in the kind it declares, and runs at a scope it allows. */
export function checkModules(
  path: string,
  declared: Declarations,
  files: ReadonlyMap<string, Declarations>,
): Problem[] {
  return [...declared.modules.values()].flatMap((module) => {
    const target = files.get(modulePath(path, module.path));
    if (!target) return [problemAt(path, module.node, `there is no ${module.path}`)];
    const problems: Problem[] = [];
    for (const { key, node } of propertiesOf(module.body)) {
      if (!["name", "scope", "params", "dependsOn"].includes(key ?? "")) {
        problems.push(problemAt(path, node, `a module has no '${key}'`));
      }
    }
    if (target.targetScope !== declared.targetScope && !propertyOf(module.body, "scope")) {
      problems.push(problemAt(path, module.node, `${module.path} is for a ${target.targetScope}: say which (scope)`));
    }
    const given = propertyOf(module.body, "params");
    const params = given ? propertiesOf(given) : [];
    return [...problems, ...checkParams(path, module.node, params, target, declared)];
  });
}

/** Assignments in main.bicepparam against the parameters of the template it names. */
export function checkParameterFile(path: string, assigned: Declarations, target: Declarations): Problem[] {
  const params = [...assigned.vars].map(([key, { node, value }]) => ({ key, node, value }));
  return checkParams(path, undefined, params, target, assigned);
}

function checkParams(
  path: string,
  place: Node | undefined,
  given: readonly { key: string | undefined; node: Node; value: Node }[],
  target: Declarations,
  declared: Declarations,
): Problem[] {
  const problems: Problem[] = [];
  for (const { key = "", node, value } of given) {
    const param = target.params.get(key);
    if (!param) problems.push(problemAt(path, node, `no parameter '${key}' is declared`));
    else problems.push(...checkParamValue(path, key, param, value, declared));
  }
  for (const [name, param] of target.params) {
    const missing = !param.default && !param.type.endsWith("?") && !given.some(({ key }) => key === name);
    if (missing) problems.push(problemAt(path, place, `parameter '${name}' has no default and no value`));
  }
  return problems;
}

/** A value of the wrong kind or outside @allowed; also used for a parameter's own default. */
export function checkParamValue(
  path: string,
  name: string,
  param: Param,
  value: Node,
  declared: Declarations,
): Problem[] {
  return valuesOf(value, declared).flatMap((each) => {
    if (each.kind === "unknown" || each.kind === "null") return [];
    const wanted = param.type.endsWith("[]") ? "array" : param.type.replace(/\?$/, "");
    const comparable = ["string", "int", "bool", "object", "array"].includes(wanted);
    if (comparable && wanted !== each.kind) {
      return [problemAt(path, value, `parameter '${name}' wants ${wanted}, found ${each.kind}`)];
    }
    const text = "text" in each ? each.text : undefined;
    const outside = text !== undefined && param.allowed !== undefined && !param.allowed.includes(text);
    return outside ? [problemAt(path, value, `parameter '${name}' does not allow '${text}'`)] : [];
  });
}
