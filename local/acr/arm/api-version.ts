import { ArmError } from "./arm-error.ts";

/** Tasks and runs live in versions of their own; the registry itself in another. */
export const tasksVersions: readonly string[] = ["2019-06-01-preview", "2025-03-01-preview"];
export const registryVersions: readonly string[] = ["2025-11-01"];

export function checkApiVersion(given: string | undefined, supported: readonly string[]): void {
  if (!given) {
    const message = "The api-version query parameter (?api-version=) is required for all requests.";
    throw new ArmError(400, "MissingApiVersionParameter", message);
  }
  if (!supported.includes(given.toLowerCase())) {
    const message =
      `No registered resource provider found for API version '${given}' for type 'registries'. ` +
      `The supported api-versions are '${supported.join(", ")}'.`;
    throw new ArmError(400, "NoRegisteredProviderFound", message);
  }
}
