// Checks infra/ offline: `npx tsx scripts/check-bicep.ts`. Ends 1 when something is wrong. `bicep build` still belongs in
// the CI that deploys (docs/deploy.md): this parses with tree-sitter and a trimmed copy of Azure's type index.
import { checkInfra } from "./check-bicep/check.ts";
import { readSource } from "./check-bicep/source.ts";

const source = await readSource(new URL("..", import.meta.url).pathname);
const problems = await checkInfra(source);
for (const { path, line, message } of problems) console.log(line ? `${path}:${line} ${message}` : `${path} ${message}`);
const files = [...source.keys()].filter((path) => path.endsWith(".bicep") || path.endsWith(".bicepparam")).length;
console.log(`${files} Bicep files, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
