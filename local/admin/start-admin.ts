import { Readable } from "node:stream";
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { parseImageReference } from "../engine/image-reference.ts";
import { readImage } from "../engine/read-image.ts";
import { type Bindings, listen } from "../http.ts";
import type { RegistryStore } from "../registry/registry-store.ts";
import { type Misbehaving, placeFault } from "./fault-table.ts";
import { mergedLedger } from "./merged-ledger.ts";
import { clearFaults, liftFault, listFaults } from "./pending-faults.ts";
import { pushVersion } from "./push-version.ts";
import { readPart, readWish } from "./read-wish.ts";
import { rootArchive } from "./root-archive.ts";

export interface AdminEndpoints {
  /** `http://127.0.0.1:PORT`. */
  readonly admin: string;
  /** Sent as `Authorization: Bearer …`, also to GitHub's `/_twin`; another one after each start. */
  readonly adminToken: string;
}

export interface Admin {
  readonly endpoints: AdminEndpoints;
  /** How to end the Functions host, once there is one. */
  onKillHost(kill: () => Promise<void>): void;
  close(): Promise<void>;
}

/**
 * What people and referees ask of the twin itself and no emulated service has: misbehaviour, accidents, images read and
 * made without Docker, one ledger of everything. On any free port of loopback; `npm run twin -- …` is its client.
 */
export async function startAdmin(the: Misbehaving, adminToken: string): Promise<Admin> {
  let killHost: (() => Promise<void>) | undefined;
  const app = new Hono<Bindings>();
  app.onError((error, c) => {
    const status = error instanceof HTTPException ? error.status : 422;
    return c.json({ message: error.message }, status);
  });
  app.notFound((c) => c.json({ message: "no such path" }, 404));
  app.use(async (c, next) => {
    // The token would do; browsers send Origin with anything that changes something, and no page has business here.
    if (c.req.header("origin") !== undefined) throw new HTTPException(403, { message: "not for web pages" });
    if (c.req.header("authorization") !== `Bearer ${adminToken}`)
      throw new HTTPException(401, { message: "the token of endpoints.json is needed" });
    await next();
  });

  app.get("/faults", (c) => c.json(listFaults(the)));
  app.post("/faults", async (c) => {
    placeFault(the, readWish(await objectIn(c)));
    return c.json(listFaults(the), 201);
  });
  app.delete("/faults", (c) => {
    const part = c.req.query("part");
    clearFaults(the, part === undefined ? undefined : readPart(part));
    return c.json(listFaults(the));
  });
  app.delete("/faults/:id{\\d+}", (c) => {
    liftFault(the, Number(c.req.param("id")));
    return c.json(listFaults(the));
  });

  app.post("/host/kill", async (c) => {
    if (!killHost) throw new HTTPException(409, { message: "there is no Functions host here: the twin runs alone" });
    await killHost();
    return c.body(null, 204);
  });
  app.post("/registry/recreate", async (c) => c.json(await the.acr.recreateRegistry()));

  const { acr, registry } = the;
  /** The registry that an image reference names; the first one when it names none. */
  const placeOf = (reference: string): { readonly loginServer: string; readonly store: RegistryStore } => {
    const { host = registry.loginServer } = parseImageReference(reference);
    if (host === registry.loginServer) return registry;
    const { loginServer, store } =
      acr
        .registries()
        .map(({ name }) => acr.place(name))
        .find((place) => place.loginServer === host) ?? none(`registry ${host}`);
    return store ? { loginServer, store } : none(`registry ${host}`);
  };
  const storeOf = (c: Context) => placeOf(imageOf(c)).store;
  const noImage = (c: Context): never => {
    const { repository, tag, digest } = parseImageReference(imageOf(c));
    const name = digest === undefined ? `${repository}:${tag}` : `${repository}@${digest}`;
    throw new HTTPException(404, { message: `no image ${name} in ${placeOf(imageOf(c)).loginServer}` });
  };
  app.get("/images/files", async (c) => {
    const image = (await readImage(storeOf(c), imageOf(c))) ?? noImage(c);
    return c.json([...image.files].map(([path, file]) => ({ path, ...file })));
  });
  app.get("/images/file", async (c) => {
    const path = c.req.query("path") ?? "";
    const image = (await readImage(storeOf(c), imageOf(c))) ?? noImage(c);
    const bytes = (await image.read(path)) ?? none(`file ${path} in ${imageOf(c)}`);
    return c.body(new Uint8Array(bytes), 200, { "content-type": "application/octet-stream" });
  });
  app.get("/images/root", async (c) => {
    const archive = (await rootArchive(storeOf(c), imageOf(c))) ?? noImage(c);
    const body = Readable.toWeb(archive) as ReadableStream;
    return c.body(body, 200, { "content-type": "application/x-tar" });
  });
  app.post("/images", async (c) => {
    const { reference, from, text } = await objectIn(c);
    const now = new Date();
    const wish = {
      reference: String(reference),
      now,
      ...(typeof from === "string" && { from }),
      text: typeof text === "string" ? text : now.toISOString(),
    };
    return c.json({ digest: await pushVersion(placeOf(wish.reference), wish) }, 201);
  });

  app.get("/ledger", (c) => {
    const after = Object.fromEntries(Object.entries(c.req.query()).map(([source, known]) => [source, Number(known)]));
    const lines = mergedLedger(the, after).map((line) => `${JSON.stringify(line)}\n`);
    return c.body(lines.join(""), 200, { "content-type": "application/jsonl" });
  });

  const server = await listen(app, 0);
  return {
    endpoints: { admin: server.url, adminToken },
    onKillHost: (kill) => {
      killHost = kill;
    },
    close: () => server.close(),
  };
}

function imageOf(c: Context): string {
  return c.req.query("image") ?? "";
}

function none(what: string): never {
  throw new HTTPException(404, { message: `there is no ${what}` });
}

async function objectIn(c: Context): Promise<Record<string, unknown>> {
  const value: unknown = await c.req.json().catch(() => undefined);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new HTTPException(400, { message: "the body is no JSON object" });
}
