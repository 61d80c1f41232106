import { isSpace } from "./go-space.ts";

/** Collects words; only unquoted text separates them. */
export class WordBuffer {
  private readonly done: string[] = [];
  private word = "";

  add(text: string, splits: boolean): void {
    if (!splits) {
      this.word += text;
      return;
    }
    for (const character of text) {
      if (!isSpace(character)) this.word += character;
      else this.flush();
    }
  }

  forgetWord(): void {
    this.word = "";
  }

  finish(): readonly string[] {
    this.flush();
    return this.done;
  }

  private flush(): void {
    if (this.word !== "") this.done.push(this.word);
    this.word = "";
  }
}
