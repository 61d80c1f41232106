import type { AppendBlobClient, ContainerClient } from "@azure/storage-blob";
import type { Clock } from "../../clock.ts";
import { runLimits } from "./limits.ts";

/** Values of the blob's `Complete` metadata, by which a reader of the log learns that no more will come. */
export type LogEnd = "successful" | "failed" | "internalerror" | "timedout" | "canceled";

/** Storage allows 4 MiB an append (and 50,000 appends, so a long log is flushed less often towards its end). */
const maxAppendBytes = 4 * 1024 * 1024;
const flushEveryMs = 150;
const slowFlushEveryMs = 5000;
const manyAppends = 20_000;
const blobHTTPHeaders = { blobContentType: "text/plain; charset=utf-8" };

/**
 * A run's log as ACR keeps it: an append blob growing while the run goes on, every line ended by CR LF, and metadata
 * `Complete` at the very end.
 */
export class RunLog {
  readonly #blob: AppendBlobClient;
  #waiting = "";
  #appends = 0;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #failure: unknown;
  #ended = false;
  readonly #clock: Clock;
  readonly #mostCharacters: number;
  #characters = 0;
  /** Last character written: a line end may be split over two chunks. */
  #last = "\n";

  private constructor(blob: AppendBlobClient, clock: Clock, mostCharacters: number) {
    this.#blob = blob;
    this.#clock = clock;
    this.#mostCharacters = mostCharacters;
  }

  /** Starts from an empty blob, also when an earlier process had begun this log. */
  static async create(
    container: ContainerClient,
    name: string,
    clock: Clock,
    mostCharacters = runLimits.logCharacters,
  ): Promise<RunLog> {
    const blob = container.getAppendBlobClient(name);
    await blob.create({ blobHTTPHeaders });
    return new RunLog(blob, clock, mostCharacters);
  }

  /** Goes on behind what an earlier process wrote, if any did. */
  static async goOn(container: ContainerClient, name: string, clock: Clock): Promise<RunLog> {
    const blob = container.getAppendBlobClient(name);
    await blob.createIfNotExists({ blobHTTPHeaders });
    return new RunLog(blob, clock, runLimits.logCharacters);
  }

  /** Output of a step, as it comes: any line ends, any chunks. What is beyond the log's limit is not kept. */
  write(text: string): void {
    const left = this.#mostCharacters - this.#characters;
    if (text === "" || this.#ended || left < 0) return;
    this.#characters += text.length;
    this.#add(text.slice(0, left));
    if (text.length > left)
      this.#add(`\n(the local twin keeps no more than ${this.#mostCharacters} characters of a log)\n`);
  }

  #add(text: string): void {
    const before = this.#last;
    this.#last = text.at(-1) ?? before;
    this.#waiting += text.replaceAll("\n", (_, at: number) =>
      (at === 0 ? before : text[at - 1]) === "\r" ? "\n" : "\r\n",
    );
    this.#timer ??= setTimeout(() => this.#flush(), this.#appends > manyAppends ? slowFlushEveryMs : flushEveryMs);
  }

  /** A line of its own, even after output that did not end its line. */
  line(text = ""): void {
    this.write(`${this.#last === "\n" ? "" : "\n"}${text}\n`);
  }

  /** A line of the engine itself: `yyyy/MM/dd HH:mm:ss text`. */
  engine(text: string): void {
    const stamp = this.#clock.iso().slice(0, 19).replaceAll("-", "/").replace("T", " ");
    this.line(`${stamp} ${text}`);
  }

  /** Everything written, and these last lines whatever the limit, is in the blob before the mark is. */
  async end(mark: LogEnd, lines: readonly string[]): Promise<void> {
    if (this.#last !== "\n") this.#add("\n");
    for (const line of lines) this.#add(`${line}\n`);
    this.#ended = true;
    await this.close();
    await this.#blob.setMetadata({ Complete: mark });
  }

  /** Flushes without a mark, as when the machine goes away. Throws what kept earlier output from being written. */
  async close(): Promise<void> {
    this.#flush();
    await this.#flushing;
    if (this.#failure) throw this.#failure;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const bytes = Buffer.from(this.#waiting);
    this.#waiting = "";
    for (let from = 0; from < bytes.length; from += maxAppendBytes) {
      const block = bytes.subarray(from, from + maxAppendBytes);
      this.#appends += 1;
      this.#flushing = this.#flushing.then(() => this.#append(block));
    }
  }

  async #append(block: Buffer): Promise<void> {
    if (this.#failure) return;
    try {
      await this.#blob.appendBlock(block, block.length);
    } catch (error) {
      this.#failure = error;
    }
  }
}
