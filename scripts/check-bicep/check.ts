import { checkApp } from "./app.ts";
import { type Declarations, declarationsOf } from "./declarations.ts";
import { checkAzd, checkHouseRules } from "./house-rules.ts";
import { checkModules, checkParameterFile, checkParamValue, modulePath } from "./modules.ts";
import { checkNames } from "./names.ts";
import { type BicepFile, descendants, parseBicep } from "./parse.ts";
import { type Problem, problemAt } from "./problem.ts";
import { checkResources } from "./resources.ts";
import { schemasIn } from "./schema.ts";
import type { Source } from "./source.ts";

const MAIN = "infra/main.bicep";

/**
 * Everything about infra/ that can be known without Azure and without the Bicep compiler. It reads each file by itself and
 * follows values only through parameters, variables and loops of that file: it finds typing errors, not wrong designs.
 */
export async function checkInfra(source: Source): Promise<Problem[]> {
  const schemas = schemasIn(source);
  const problems: Problem[] = [];
  const parsed: [BicepFile, Declarations][] = [];
  for (const [path, text] of source) {
    if (!/\.bicep(param)?$/.test(path)) continue;
    const { file, problems: syntax } = await parseBicep(path, text);
    problems.push(...syntax);
    parsed.push([file, declarationsOf(file)]);
  }
  const templates = new Map<string, Declarations>();
  for (const [{ path }, declared] of parsed) if (path.endsWith(".bicep")) templates.set(path, declared);

  for (const [file, declared] of parsed) {
    const { path } = file;
    const outputsOf = (module: string) => {
      const outputs = templates.get(modulePath(path, module))?.outputs;
      return outputs && new Set(outputs.keys());
    };
    problems.push(...checkNames(file, declared, schemas, outputsOf));
    problems.push(...checkResources(path, declared, schemas));
    problems.push(...checkModules(path, declared, templates));
    problems.push(...checkHouseRules(file, declared, schemas));
    for (const [name, param] of declared.params) {
      if (param.default) problems.push(...checkParamValue(path, name, param, param.default, declared));
    }
    if (path.endsWith(".bicepparam")) problems.push(...checkParameters(file, declared, templates.get(MAIN)));
  }
  problems.push(...checkAzd(source.get("azure.yaml"), templates.get(MAIN), templates.values()));
  problems.push(...checkApp(source, templates));
  return problems;
}

/** Parameter file against main.bicep; and no output may feed itself back as a parameter through azd's environment. */
function checkParameters(file: BicepFile, assigned: Declarations, main: Declarations | undefined): Problem[] {
  if (!main) return [problemAt(file.path, undefined, `there is no ${MAIN}`)];
  const problems = checkParameterFile(file.path, assigned, main);
  for (const node of descendants(file.root)) {
    if (node.type !== "call_expression" || node.childForFieldName("function")?.text !== "readEnvironmentVariable")
      continue;
    const name = node.childForFieldName("arguments")?.namedChildren[0]?.text.slice(1, -1) ?? "";
    const own = name === "AZURE_LOCATION" || name === "AZURE_RESOURCE_GROUP";
    if (main.outputs.has(name) && !own) problems.push(problemAt(file.path, node, `${name} is also an output`));
  }
  return problems;
}
