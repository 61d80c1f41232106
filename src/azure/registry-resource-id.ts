import { PermanentError } from "../errors.ts";

export interface RegistryResourceId {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly registryName: string;
}

const shape =
  /^\/subscriptions\/([0-9a-z-]{1,64})\/resourceGroups\/([^/?#%\s]{1,90})\/providers\/Microsoft\.ContainerRegistry\/registries\/([a-z0-9]{5,50})\/?$/i;

/** An ARM registry id taken apart. Names keep their case; ARM compares without it. Throws PermanentError("registry-resource-id"). */
export function parseRegistryResourceId(resourceId: string): RegistryResourceId {
  const match = shape.exec(resourceId);
  if (match === null)
    throw new PermanentError(
      "registry-resource-id",
      `not a registry's ARM id: ${resourceId} (want /subscriptions/…/resourceGroups/…/providers/Microsoft.ContainerRegistry/registries/…)`,
    );
  return { subscriptionId: match[1]!, resourceGroup: match[2]!, registryName: match[3]! };
}
