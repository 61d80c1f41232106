/** One change a layer makes. Paths have no leading slash; a link's target is such a path too, a symlink's is verbatim. */
export type LayerEntry = { readonly path: string } & (
  | { readonly type: "whiteout" }
  | ({ readonly type: "directory" } & Ownership)
  | ({ readonly type: "file"; readonly content: Buffer | { readonly file: string; readonly size: number } } & Ownership)
  | ({ readonly type: "symlink"; readonly target: string } & Ownership)
  | { readonly type: "link"; readonly target: string }
);

export interface Ownership {
  /** Permission bits only. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}
