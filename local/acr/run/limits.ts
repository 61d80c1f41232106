/** What one run may use of the machine. ACR's own limits are its agent's disk and the run's timeout. */
export interface RunLimits {
  /** Bytes on disk in everything a run keeps there: source, workspace, home and volumes. */
  readonly diskBytes: number;
  /** Files, folders and links in an archive. */
  readonly archiveEntries: number;
  /** Characters of a log; what a step says beyond them is not kept. */
  readonly logCharacters: number;
  /** How often the disk is looked at. */
  readonly diskCheckMs: number;
}

export const runLimits: RunLimits = {
  diskBytes: 4 * 1024 ** 3,
  archiveEntries: 200_000,
  logCharacters: 32 * 1024 ** 2,
  diskCheckMs: 3000,
};

/** Longest task file, values file or Dockerfile that is read, in bytes. */
export const maxFileBytes = 1024 ** 2;
