import { execFile } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { rm } from "node:fs/promises";
import { Socket } from "node:net";
import { promisify } from "node:util";
import { tool } from "../built-in/tool.ts";

/** A FIFO that any user may write to; what is written goes to `log`. */
export class NamedPipe {
  readonly path: string;
  readonly #writer: number;
  readonly #ended: Promise<void>;

  private constructor(path: string, log: (text: string) => void) {
    this.path = path;
    const reader = new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true });
    // Until somebody else writes, it would be at its end.
    this.#writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    reader.setEncoding("utf8").on("data", log);
    this.#ended = new Promise((resolve, reject) => reader.once("close", resolve).once("error", reject));
  }

  static async make(path: string, log: (text: string) => void): Promise<NamedPipe> {
    await promisify(execFile)(tool("mkfifo"), ["-m", "666", path]);
    return new NamedPipe(path, log);
  }

  /** Resolves when all who write have ended and all they wrote is logged. */
  async close(): Promise<void> {
    closeSync(this.#writer);
    await this.#ended;
    await rm(this.path, { force: true });
  }
}
