/** What one step, that is one RUN or one `run`, may use. Its time is the caller's to limit, by the signal. */
export interface Limits {
  /** Bytes, of all its processes together. */
  readonly memory: number;
  readonly processes: number;
  /** Bytes of output that are passed on; the rest is left out of the log. */
  readonly output: number;
  /** Bytes by which the space left on the disk may shrink while it runs. */
  readonly disk: number;
}

const mebi = 1024 * 1024;

export const usualLimits: Limits = {
  memory: 4096 * mebi,
  processes: 4096,
  output: 8 * mebi,
  disk: 16_384 * mebi,
};
