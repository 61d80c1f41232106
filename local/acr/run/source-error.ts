import { withoutCredentials } from "./source-location.ts";

/** The source could not be fetched or unpacked. The message says why, without tokens; ACR's own sentence says less. */
export class SourceError extends Error {
  override readonly name = "SourceError";

  constructor(why: string, options?: ErrorOptions) {
    super(withoutCredentials(why), options);
  }
}

/** What ACR fails a run with, whatever the cause. */
export const badContext =
  "failed to download context. Please check if the URL is incorrect. If it has credentials, please check if they are expired";
