import type { Screen } from "../screen/screen.ts";
import type { View } from "../screen/view.ts";

/** Holds what the screen shows and has it drawn whenever a part of it changes. */
export class Board {
  readonly #screen: Screen;
  #view: View;

  constructor(screen: Screen, start: Pick<View, "startedAt" | "once">) {
    this.#screen = screen;
    this.#view = { ...start, now: start.startedAt, registry: "", notices: [] };
  }

  set(part: Partial<View>): void {
    this.#view = { ...this.#view, ...part, now: Date.now() };
    this.#screen.show(this.#view);
  }

  notice(text: string): void {
    this.set({ notices: [...this.#view.notices, text] });
  }

  close(): void {
    this.#screen.close();
  }
}
