// Adds up vitest's JSON reports, names what failed and what was skipped, and ends with the one line that is asked for.
// usage: node count.mjs CI_DIR WORK_DIR. WORK_DIR/runs has "label<TAB>exit code<TAB>report" lines, WORK_DIR/failed-steps names.
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";

const [ciDir, workDir] = process.argv.slice(2);
const lines = (path) => {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
};

const failed = lines(join(workDir, "failed-steps")).map((name) => `step: ${name}`);
const skipped = [];
let passed = 0;

for (const line of lines(join(workDir, "runs"))) {
  const [label, exitCode, path] = line.split("\t");
  const report = readReport(path);
  const failedBefore = failed.length;
  const passedBefore = passed;
  for (const file of report?.testResults ?? []) {
    const name = relative(process.cwd(), file.name);
    const failedInFile = failed.length;
    for (const test of file.assertionResults) {
      const full = `${name} > ${test.fullName}`;
      if (test.status === "passed") passed++;
      else if (test.status === "failed") failed.push(`${label}: ${full}`);
      else skipped.push({ label, full });
    }
    // A file that does not load, or whose hooks fail, has no failed test to show for it.
    if (file.status === "failed" && failed.length === failedInFile) failed.push(`${label}: ${name} (the file itself)`);
  }
  if (report === undefined) failed.push(`${label}: no report, exit code ${exitCode}`);
  else if (passed === passedBefore) failed.push(`${label}: not one test passed`);
  else if (exitCode !== "0" && failed.length === failedBefore)
    failed.push(`${label}: exit code ${exitCode} though no test failed`);
}
if (passed === 0) failed.push("no test was run");

const allowed = lines(join(ciDir, "may-skip.txt")).map((line) => ({ line, pattern: asPattern(line) }));
const isAllowed = ({ full }) => allowed.some(({ pattern }) => pattern.test(full));
const forbidden = skipped.filter((test) => !isAllowed(test));
if (forbidden.length > 0) failed.push(`${forbidden.length} skipped though .ci/may-skip.txt does not allow it`);

for (const test of skipped)
  console.log(`skipped${isAllowed(test) ? "" : ", not allowed"}: ${test.label}: ${test.full}`);
for (const { line, pattern } of allowed)
  if (!skipped.some(({ full }) => pattern.test(full))) console.log(`in may-skip.txt, not skipped: ${line}`);
for (const name of failed) console.log(`failed: ${name}`);
console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exitCode = failed.length === 0 ? 0 : 1;

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function asPattern(line) {
  const parts = line.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}
