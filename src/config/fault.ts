/** What is wrong with a value, and how its author mends it. */
export interface Fault {
  readonly message: string;
  readonly fix: string;
}

/** The rule of a text that a type cannot say; answers nothing when it holds. */
export type Check = (text: string) => Fault | undefined;

/** The rule of a list, asked once every entry is fine by itself; `at` is the entry that breaks it. */
export type ListCheck = (entries: readonly string[]) => (Fault & { readonly at: number }) | undefined;
