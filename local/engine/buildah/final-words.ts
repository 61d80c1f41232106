/**
 * Keeps back what looks like the end of a stream, so that a program's last words about a command it ran can be told
 * from the command's own output. Whatever turns out not to be the end is passed on.
 */
export class FinalWords {
  readonly #log: (text: string) => void;
  readonly #pattern: RegExp;
  #held = "";

  /** `pattern` matches up to the end of the text. */
  constructor(log: (text: string) => void, pattern: RegExp) {
    this.#log = log;
    this.#pattern = pattern;
  }

  write(text: string): void {
    const all = this.#held + text;
    const start = all.search(this.#pattern);
    this.#held = start < 0 ? "" : all.slice(start);
    const passed = start < 0 ? all : all.slice(0, start);
    if (passed !== "") this.#log(passed);
  }

  get held(): string {
    return this.#held;
  }

  release(): void {
    if (this.#held !== "") this.#log(this.#held);
    this.#held = "";
  }
}
