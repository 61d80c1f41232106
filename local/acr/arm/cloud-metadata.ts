import { Hono } from "hono";
import type { Bindings } from "../../http.ts";

/**
 * What a cloud's Resource Manager tells whoever asks, without a token: where to sign in, and for which audience. `az cloud
 * register --endpoint-resource-manager URL` asks with api-version 2015-01-01 and needs nothing else.
 * https://learn.microsoft.com/azure-stack/user/azure-stack-version-profiles-azurecli2
 */
export function cloudMetadata(authority: string | undefined): Hono<Bindings> {
  const app = new Hono<Bindings>();
  if (authority === undefined) return app;
  app.get("/metadata/endpoints", (c) =>
    c.json({
      galleryEndpoint: "https://gallery.azure.com/",
      graphEndpoint: "https://graph.windows.net/",
      portalEndpoint: "https://portal.azure.com/",
      authentication: { loginEndpoint: authority, audiences: ["https://management.azure.com/"] },
    }),
  );
  return app;
}
