/** A comment on a pull request. Times are epoch milliseconds. */
export interface Comment {
  id: number;
  pullId: number;
  authorId: number;
  /** By the App, not by a person. */
  viaApp: boolean;
  body: string;
  createdAt: number;
  updatedAt: number;
}
