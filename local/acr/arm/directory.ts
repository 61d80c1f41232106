import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AppendLog } from "../../append-log.ts";
import { StateFile } from "../../state-file.ts";
import type { Json, RegistrySettings, Sku } from "../task-record.ts";
import {
  closeRegistry,
  openRegistry,
  type RegistryEntry,
  registryId,
  removeRegistry,
  type SharedMachinery,
} from "./open-registry.ts";
import type { RegistryContext, RegistryPlace } from "./registry-context.ts";

export interface ResourceGroup {
  readonly name: string;
  readonly location: string;
  readonly tags: Json;
}

/** Finds or makes the OCI registry behind a registry: the same one whenever it is asked for the same name. */
export type CreateRegistry = (name: string, sku: Sku) => Promise<RegistryPlace>;

interface FirstRegistry extends RegistryEntry {
  readonly place: RegistryPlace;
  readonly sku?: Sku;
}

/** What happened to what holds registries: their own ledgers tell the rest, and go with them. */
export type DirectoryEntry = { readonly at: string } & (
  | { readonly kind: "resource-group-saved" | "resource-group-deleted"; readonly name: string }
  | { readonly kind: "registry-deleted"; readonly name: string; readonly resourceGroup: string }
);

interface Stored {
  groups: ResourceGroup[];
  registries: RegistryEntry[];
}

/**
 * The resource groups of the one subscription and the registries in them. The first registry was there before the twin's
 * user came and its images are somebody else's; the others are made, kept and deleted here.
 */
export class Directory {
  readonly subscriptionId: string;
  readonly ledger: AppendLog<DirectoryEntry>;
  readonly #dir: string;
  readonly #file: StateFile<Stored>;
  readonly #first: FirstRegistry;
  readonly #create: CreateRegistry;
  readonly #shared: SharedMachinery;
  /** By name in lower case: names are unique in the twin, as they are in Azure. */
  readonly #open = new Map<string, RegistryContext>();
  /** One registry is made or deleted at a time. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(dir: string, first: FirstRegistry, create: CreateRegistry, shared: SharedMachinery) {
    this.subscriptionId = shared.subscriptionId;
    this.#dir = dir;
    this.#first = first;
    this.#create = create;
    this.#shared = shared;
    this.#file = new StateFile<Stored>(join(dir, "arm.json"), () => ({ groups: [], registries: [] }));
    this.ledger = new AppendLog(join(dir, "arm-ledger.jsonl"));
  }

  /** Brings up every registry there was, and the first one even if it had been deleted: its images are there anyway. */
  static async open(dir: string, first: FirstRegistry, create: CreateRegistry, shared: SharedMachinery) {
    const directory = new Directory(dir, first, create, shared);
    try {
      await directory.#openAll();
      return directory;
    } catch (error) {
      await directory.close();
      throw error;
    }
  }

  async #openAll(): Promise<void> {
    const { groups, registries } = this.#file.value;
    const { name, resourceGroup, sku } = this.#first;
    if (!this.group(resourceGroup)) groups.push({ name: resourceGroup, location: "westeurope", tags: {} });
    if (!registries.some((entry) => same(entry.name, name))) registries.push({ name, resourceGroup });
    this.#file.save();
    for (const entry of registries) {
      await this.#openOne(entry, same(entry.name, name) ? { sku: sku ?? "Standard" } : {});
    }
  }

  get registries(): readonly RegistryContext[] {
    return [...this.#open.values()];
  }

  get groups(): readonly ResourceGroup[] {
    return this.#file.value.groups;
  }

  group(name: string): ResourceGroup | undefined {
    return this.groups.find((group) => same(group.name, name));
  }

  putGroup(group: ResourceGroup): void {
    const others = this.groups.filter((other) => !same(other.name, group.name));
    this.#file.value.groups = [...others, group];
    this.#file.save();
    this.ledger.append({ at: this.#shared.clock.iso(), kind: "resource-group-saved", name: group.name });
  }

  /** With everything in it. */
  async deleteGroup(name: string): Promise<void> {
    for (const registry of this.inGroup(name)) await this.delete(registry);
    this.#file.value.groups = this.groups.filter((group) => !same(group.name, name));
    this.#file.save();
    this.ledger.append({ at: this.#shared.clock.iso(), kind: "resource-group-deleted", name });
  }

  registry(name: string): RegistryContext | undefined {
    return this.#open.get(name.toLowerCase());
  }

  inGroup(group: string): RegistryContext[] {
    return this.registries.filter(({ resourceGroup }) => same(resourceGroup, group));
  }

  /** The registry with this ARM id, in any case. */
  byId(id: string): RegistryContext | undefined {
    return this.registries.find(({ resourceId }) => same(resourceId, id));
  }

  /** In a group that exists and under a name that is free. */
  create(entry: RegistryEntry, settings: Partial<RegistrySettings>): Promise<RegistryContext> {
    return this.#oneByOne(async () => {
      const known = this.registry(entry.name);
      if (known) return known;
      const registry = await this.#openOne(entry, settings);
      this.#file.value.registries.push(entry);
      this.#file.save();
      registry.state.announce({ kind: "registry-created", creationDate: registry.state.creationDate });
      return registry;
    });
  }

  delete(registry: RegistryContext): Promise<void> {
    return this.#oneByOne(async () => {
      if (this.registry(registry.name) !== registry) return;
      this.#open.delete(registry.name.toLowerCase());
      this.#file.value.registries = this.#file.value.registries.filter(({ name }) => name !== registry.name);
      await removeRegistry(registry);
      this.#file.save();
      const { name, resourceGroup } = registry;
      this.ledger.append({ at: this.#shared.clock.iso(), kind: "registry-deleted", name, resourceGroup });
    });
  }

  /** Deleted and made again with the same settings: empty, with a new date of creation, and runs counted from 1. */
  async recreate(registry: RegistryContext): Promise<RegistryContext> {
    const { name, resourceGroup, state } = registry;
    const { settings } = state;
    await this.delete(registry);
    return await this.create({ name, resourceGroup }, settings);
  }

  resourceId(group: string, name: string): string {
    return registryId(this.subscriptionId, group, name);
  }

  async close(): Promise<void> {
    await this.#last;
    for (const registry of this.registries) await closeRegistry(registry);
  }

  async #openOne(entry: RegistryEntry, settings: Partial<RegistrySettings>): Promise<RegistryContext> {
    const isFirst = same(entry.name, this.#first.name);
    const dir = isFirst ? this.#dir : join(this.#dir, "registries", entry.name.toLowerCase());
    mkdirSync(dir, { recursive: true });
    const place = isFirst ? this.#first.place : await this.#create(entry.name, settings.sku ?? "Standard");
    const registry = await openRegistry(entry, dir, place, this.#shared, settings).catch(async (error: unknown) => {
      if (!isFirst) await place.close?.();
      throw error;
    });
    this.#open.set(entry.name.toLowerCase(), registry);
    return registry;
  }

  #oneByOne<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
