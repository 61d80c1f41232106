import { join } from "node:path";
import type { CloudEndpoints } from "../cloud.ts";
import { shellWord } from "../shell-words.ts";

/** What somebody who started the twin alone wants to know: where things are, and how another project uses them. */
export function guide(
  endpoints: CloudEndpoints,
  twin: { readonly dir: string; readonly root: string; readonly engine: string },
): string {
  const { registry, arm, github, resourceId } = endpoints;
  const here = twin.dir === join(twin.root, ".local") ? "" : ` --dir ${shellWord(twin.dir)}`;
  return `
registry   ${registry}
ACR        ${arm}   (certificate: ${endpoints.armCa})
           ${resourceId}
GitHub     ${github}   (API: ${endpoints.githubApi})
identity   ${endpoints.identityEndpoint}
storage    the connection string is in endpoints.json
engine     ${twin.engine}

In a shell of another project:
  eval "$(npm --prefix ${shellWord(twin.root)} run -s twin -- env${here})"

docker     docker pull $TWIN_REGISTRY/local/shell:1
skopeo     skopeo inspect --tls-verify=false docker://$TWIN_REGISTRY/local/shell:1
git        git clone $TWIN_GITHUB/OWNER/NAME.git   (make it first, and set a webhook: local/README.md)
curl       TOKEN=$(curl -s -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" \\
             "$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=https://management.azure.com/" |
             node -p 'JSON.parse(require("fs").readFileSync(0)).access_token')
           curl --cacert "$TWIN_CA" -H "Authorization: Bearer $TOKEN" \\
             "$TWIN_ARM$TWIN_RESOURCE_ID/runs?api-version=2019-06-01-preview"
SDK        new ContainerRegistryManagementClient(new ManagedIdentityCredential(),
             process.env.AZURE_SUBSCRIPTION_ID, { endpoint: process.env.TWIN_ARM })

az         local/docs/az.md: three commands, then az acr create, build, run as against Azure

More: npm run twin -- --help${here && ", and each command with"}${here}. Ctrl-C stops it; everything is kept in ${twin.dir}.
`;
}
