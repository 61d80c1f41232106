import { createHash } from "node:crypto";
import { basename } from "node:path";

/**
 * Names this app's blobs in the host storage. Azure derives it from the site name; here it is that setting or the folder,
 * so that two apps on one Azurite do not share timer status.
 */
export function hostIdOf(appDir: string, env: NodeJS.ProcessEnv): string {
  const given = env.AzureFunctionsWebHost__hostid ?? env.WEBSITE_SITE_NAME;
  if (given) return given.toLowerCase().slice(0, 32);
  const name = basename(appDir)
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, "")
    .slice(0, 20);
  return `${name}-${createHash("sha256").update(appDir).digest("hex").slice(0, 8)}`;
}
