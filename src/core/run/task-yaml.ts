/**
 * The acr-task.yaml of one attempt. https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
 *
 * Written as JSON, which is YAML: every value is one quoted scalar, so nothing from outside can become syntax. ACR renders
 * the text as a Go template first and hands arguments to a shell later, so `{{` and everything beyond the allow-list are
 * refused before this point (R7) and commands are quoted for the shell here.
 */
import type { ImageDefinition } from "../config/definition.ts";
import type { Attempt } from "../state/rows.ts";

/**
 * Name of the task's default network: ACR's engine prints it before any step runs, which is how a run is recognised
 * after a lost reply. Step ids stay the same from attempt to attempt, because the layer cache's tag contains them.
 */
export function markerOf(runId: string, attempt: number): string {
  return `slipway-${runId}-${attempt}`;
}

export function renderTask(definition: ImageDefinition, loginServer: string, attempt: Attempt): string {
  const image = `${loginServer}/${definition.repository}`;
  const references = [...attempt.uniqueTags, ...attempt.stableTags].map((tag) => `${image}:${tag}`);
  const tested = references[0]!;
  const build = [
    ...references.flatMap((r) => ["-t", r]),
    "-f",
    definition.dockerfile,
    ...(definition.target ? ["--target", definition.target] : []),
    ...Object.entries(attempt.buildArgs).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
    ".",
  ].join(" ");
  const steps = [
    {
      id: "build",
      build,
      env: ["DOCKER_BUILDKIT=1"],
      timeout: definition.timeoutSeconds,
      ...(definition.cache ? { cache: "enabled" } : {}),
    },
    ...definition.test.map((test, i) => ({
      id: `test-${i + 1}`,
      ...command(tested, test),
      timeout: definition.timeoutSeconds,
      disableWorkingDirectoryOverride: true,
    })),
    { id: "push", push: references, timeout: definition.timeoutSeconds },
  ];
  const task = {
    version: "v1.0.0",
    stepTimeout: definition.timeoutSeconds,
    networks: [{ name: markerOf(attempt.run, attempt.number), isDefault: true }],
    steps,
  };
  return `${JSON.stringify(task, null, 2)}\n`;
}

function command(
  image: string,
  test: string | readonly string[],
): { readonly cmd: string; readonly entryPoint: string } {
  if (typeof test === "string") return { entryPoint: "/bin/sh", cmd: `${image} -c ${quote(test)}` };
  const [program, ...rest] = test;
  return { entryPoint: program ?? "", cmd: [image, ...rest.map(quote)].join(" ") };
}

/** For a POSIX shell: nothing inside single quotes is special but the quote itself. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
