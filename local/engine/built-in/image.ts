import type { Readable } from "node:stream";

/** The part of an OCI image configuration that says how to run it. */
export interface ContainerConfig {
  User?: string;
  ExposedPorts?: Record<string, object>;
  Env?: string[];
  Entrypoint?: string[] | null;
  Cmd?: string[] | null;
  Volumes?: Record<string, object>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  Shell?: string[];
  OnBuild?: string[] | null;
  Healthcheck?: { Test: string[]; [option: string]: unknown };
}

interface History {
  created?: string;
  created_by?: string;
  author?: string;
  empty_layer?: boolean;
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md */
export interface ImageConfig {
  created?: string;
  author?: string;
  architecture: string;
  os: string;
  variant?: string;
  config: ContainerConfig;
  rootfs: { type: "layers"; diff_ids: string[] };
  history: History[];
}

export interface Layer {
  readonly mediaType: string;
  /** Of the blob as stored, usually compressed. */
  readonly digest: string;
  readonly size: number;
  open(): Promise<Readable>;
}

/** An image at rest: its configuration and layers, base first. */
export interface Image {
  readonly config: ImageConfig;
  readonly layers: readonly Layer[];
}

/** Go's names for what Node calls by others. */
export const hostArchitecture: string =
  ({ x64: "amd64", arm64: "arm64", ia32: "386", arm: "arm" } as Record<string, string>)[process.arch] ?? process.arch;

export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
