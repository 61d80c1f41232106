import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Tls } from "../../http.ts";
import type { AuthOptions } from "../../registry/auth/registry-auth.ts";
import { type LocalRegistry, startRegistry } from "../../registry/registry.ts";
import { StateFile } from "../../state-file.ts";
import type { CreateRegistry } from "./directory.ts";

interface OciRegistriesOptions {
  readonly dir: string;
  readonly clock?: Clock;
  readonly auth?: AuthOptions;
  /** Without it, over http only. */
  readonly tls?: Tls;
  /** For engines that serve one registry, as the built-in one does; closed with the registry. */
  readonly engineFor?: (registry: LocalRegistry, name: string) => Promise<Engine>;
}

/**
 * Starts an OCI registry for each registry made through ARM. A name keeps its port, also when the registry is deleted and
 * made again: in Azure a login server follows from the name.
 */
export function ociRegistries({ dir, clock, auth, tls, engineFor }: OciRegistriesOptions): CreateRegistry {
  return async (name) => {
    const key = name.toLowerCase();
    const own = join(dir, key);
    const ports = new StateFile<Record<string, number>>(join(dir, "ports.json"), () => ({}));
    const port = ports.value[key] ?? 0;
    const registry = await startRegistry({
      dir: own,
      port,
      ...(clock && { clock }),
      ...(auth && { auth }),
      ...(tls && { tls }),
    });
    ports.value[key] = Number(new URL(registry.url).port);
    ports.save();
    const engine = await engineFor?.(registry, name);
    const close = async () => {
      await engine?.close();
      await registry.close();
    };
    const { loginServer, store, ledger, onEvent } = registry;
    const remove = async () => {
      await close();
      await rm(own, { recursive: true, force: true });
    };
    return { loginServer, store, ledger, onEvent, close, remove, ...(engine && { engine }) };
  };
}
