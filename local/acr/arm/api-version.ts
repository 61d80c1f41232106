import { ArmError } from "./arm-error.ts";

/** Tasks and runs live in versions of their own. */
export const tasksVersions: readonly string[] = ["2019-06-01-preview", "2025-03-01-preview"];

/** The registry itself: 2025-11-01 is the SDK's, 2022-02-01-preview and 2021-08-01-preview are those of Debian's `az`. */
export const registryVersions: readonly string[] = [
  ...["2025-11-01", "2025-04-01", "2023-07-01", "2022-12-01"],
  ...["2022-02-01-preview", "2021-09-01", "2021-08-01-preview", "2019-05-01"],
];

/** ARM's own resources have versions in plenty; any that looks like one will do. */
export const anyVersion = "any";

export type Versions = readonly string[] | typeof anyVersion;

export function checkApiVersion(given: string | undefined, supported: Versions): void {
  if (!given) {
    const message = "The api-version query parameter (?api-version=) is required for all requests.";
    throw new ArmError(400, "MissingApiVersionParameter", message);
  }
  if (supported === anyVersion) {
    if (/^\d{4}-\d\d-\d\d(-preview)?$/i.test(given)) return;
    throw new ArmError(400, "InvalidApiVersionParameter", `The api-version '${given}' is invalid.`);
  }
  if (!supported.includes(given.toLowerCase())) {
    const message =
      `No registered resource provider found for API version '${given}' for type 'registries'. ` +
      `The supported api-versions are '${supported.join(", ")}'.`;
    throw new ArmError(400, "NoRegisteredProviderFound", message);
  }
}
