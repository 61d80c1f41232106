import type { Effort } from "../context/effort.ts";
import { EngineError } from "../engine.ts";
import type { Dockerfile } from "./dockerfile.ts";
import { effortOfVariables, expandWord } from "./expand.ts";
import { hostArchitecture } from "./image.ts";
import type { Platform } from "./load-image.ts";
import { splitWords } from "./split-words.ts";

/** https://docs.docker.com/reference/dockerfile/#predefined-args */
const proxyNames = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"];

/** Values for ARG: what the caller gave, what the builder knows, and what ARGs before the first FROM say. */
export class BuildArguments {
  readonly #given: Readonly<Record<string, string>>;
  readonly #platform: ReadonlyMap<string, string>;
  readonly #global = new Map<string, string>();
  readonly #used = new Set<string>();
  readonly #effort: Effort;

  constructor(
    given: Readonly<Record<string, string>>,
    platform: Platform,
    { globalArgs, escapeChar }: Dockerfile,
    effort = effortOfVariables(),
  ) {
    this.#given = given;
    this.#effort = effort;
    this.#platform = new Map(Object.entries({ ...named("TARGET", platform), ...named("BUILD", hostPlatform) }));
    for (const word of globalArgs.flatMap(({ text }) => splitWords(text, escapeChar))) {
      const equals = word.indexOf("=");
      const name = equals < 0 ? word : word.slice(0, equals);
      const initial = equals < 0 ? undefined : this.expandGlobally(word.slice(equals + 1), escapeChar);
      const value = this.given(name) ?? initial;
      if (value !== undefined) this.#global.set(name, value);
    }
  }

  /** A build argument by name, or one of TARGETPLATFORM, TARGETARCH, BUILDOS and so on. */
  given(name: string): string | undefined {
    if (!Object.hasOwn(this.#given, name)) return this.#platform.get(name);
    this.#used.add(name);
    return this.#given[name];
  }

  global(name: string): string | undefined {
    return this.#global.get(name);
  }

  /** FROM sees global ARGs only. */
  expandGlobally(word: string, escapeChar: string): string {
    const lookup = (name: string) => this.#global.get(name) ?? this.#platform.get(name);
    return expandWord(word, lookup, escapeChar, this.#effort);
  }

  /** Given, but asked for by no ARG: usually a misspelling. */
  unused(): string[] {
    const meansSomething = (name: string) => isProxy(name) || name.startsWith("BUILDKIT_");
    return Object.keys(this.#given).filter((name) => !this.#used.has(name) && !meansSomething(name));
  }

  /** Given proxies, which every RUN sees and no image keeps. */
  proxies(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.#given).filter(([name]) => isProxy(name)));
  }
}

function isProxy(name: string): boolean {
  return proxyNames.some((proxy) => name === proxy || name === proxy.toUpperCase());
}

export const hostPlatform: Platform = { os: "linux", architecture: hostArchitecture };

/** Reads `os/architecture[/variant]`; this machine's when nothing is said. */
export function parsePlatform(text: string | undefined): Platform {
  if (text === undefined || text === "") return hostPlatform;
  const [os = "", architecture = hostArchitecture, variant] = text.toLowerCase().split("/");
  if (os !== "linux") throw new EngineError(`platform ${text}: the built-in engine builds for linux only`);
  return { os, architecture, variant };
}

function named(prefix: string, { os, architecture, variant }: Platform): Record<string, string> {
  const platform = [os, architecture, ...(variant ? [variant] : [])].join("/");
  return {
    [`${prefix}PLATFORM`]: platform,
    [`${prefix}OS`]: os,
    [`${prefix}ARCH`]: architecture,
    [`${prefix}VARIANT`]: variant ?? "",
  };
}
