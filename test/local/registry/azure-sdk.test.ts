import { expect, onTestFinished, test } from "vitest";
import { loadCertificate } from "../../../local/acr/certificate.ts";
import { startIdentity } from "../../../local/identity/start-identity.ts";
import { answers, output, pushMultiArch } from "./clients.ts";
import { pushImage, temporaryDirectory, temporaryRegistry } from "./support.ts";

/** Debian's, which has Debian's packages, whatever else comes first in PATH. */
const python = "/usr/bin/python3";
const available = await answers(python, "-c", "import azure.containerregistry");

/** Azure's client of the data plane, as Debian has it for `az`; what it does with one registry, as JSON. */
const script = `
import json, os, sys
from azure.containerregistry import ContainerRegistryClient, ArtifactTagOrder, ArtifactManifestOrder
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError

class Credential:
    def get_token(self, *scopes, **kwargs):
        return AccessToken(os.environ["TOKEN"], 4000000000)

url = os.environ["REGISTRY"]
audience = "https://management.azure.com"
client = ContainerRegistryClient(url, Credential(), audience=audience)
anonymous = ContainerRegistryClient(url, audience=audience)

def refused(act):
    try:
        act()
        return None
    except HttpResponseError as error:
        return error.status_code

name, said = "team/web", {}
said["repositories"] = list(client.list_repository_names(results_per_page=1))
said["anonymously"] = list(anonymous.list_repository_names())
said["refused"] = refused(lambda: anonymous.delete_tag(name, "v1"))
properties = client.get_repository_properties(name)
said["counts"] = [properties.manifest_count, properties.tag_count]
said["created"] = properties.created_on <= properties.last_updated_on
tags = client.list_tag_properties(name, order_by=ArtifactTagOrder.LAST_UPDATED_ON_DESCENDING, results_per_page=1)
said["tags"] = [tag.name for tag in tags]
manifests = client.list_manifest_properties(name, order_by=ArtifactManifestOrder.LAST_UPDATED_ON_ASCENDING)
said["manifests"] = len(list(manifests))
multi = client.get_manifest_properties(name, "multi")
said["multi"] = [multi.digest, multi.tags]
client.update_tag_properties(name, "v1", can_delete=False, can_write=False)
locked = client.get_tag_properties(name, "v1")
said["locked"] = [locked.can_delete, locked.can_write, locked.can_read, locked.can_list]
said["lockedDelete"] = refused(lambda: client.delete_tag(name, "v1"))
client.update_tag_properties(name, "v1", can_delete=True, can_write=True)
client.delete_tag(name, "v1")
client.delete_tag(name, "v1")
client.delete_manifest(name, "multi")
said["left"] = [tag.name for tag in client.list_tag_properties(name)]
client.delete_repository(name)
said["end"] = list(client.list_repository_names())
print(json.dumps(said))
`;

test.skipIf(!available)("Azure's own SDK lists, describes, locks and deletes (needs python3-azure)", async () => {
  const identity = await startIdentity({ dir: await temporaryDirectory() });
  onTestFinished(() => identity.close());
  const certificate = await loadCertificate(await temporaryDirectory());
  const dir = await temporaryDirectory();
  const plain = await temporaryRegistry({ dir });
  const { digest } = await pushMultiArch(plain.url, "team/web", "multi");
  await pushImage(plain.url, "team/web", "v1");
  await pushImage(plain.url, "other", "v1");
  await plain.close();
  const registry = await temporaryRegistry({
    dir,
    tls: certificate,
    auth: { mode: "token", verifyAadToken: (token) => identity.verify(token).kind === "valid" },
  });
  const TOKEN = identity.issue("https://management.azure.com");
  const env = { TOKEN, REGISTRY: registry.url, REQUESTS_CA_BUNDLE: certificate.caPath };
  expect(JSON.parse(await output(python, ["-W", "ignore", "-c", script], env))).toEqual({
    repositories: ["other", "team/web"],
    anonymously: ["other", "team/web"],
    refused: 401,
    counts: [4, 2],
    created: true,
    tags: ["v1", "multi"],
    manifests: 4,
    multi: [digest, ["multi"]],
    locked: [false, false, true, true],
    lockedDelete: 405,
    left: [],
    end: ["other"],
  });
});
