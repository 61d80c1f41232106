import type { DigestLookup } from "../../src/core/image/digest-lookup.ts";
import type { OciClient, OciReference } from "../../src/oci/registry-client.ts";

export async function lookUp(client: OciClient, reference: OciReference): Promise<DigestLookup> {
  return (await client.look(reference)).lookup;
}
