/** The HTTP status a storage call failed with; undefined when no answer came. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === "number" ? status : undefined;
}

/** The message was deleted, or somebody else received it since: 404 MessageNotFound, 400 PopReceiptMismatch. */
export function isMessageLost(error: unknown): boolean {
  const status = statusOf(error);
  return status === 404 || (status === 400 && (error as { code?: unknown }).code === "PopReceiptMismatch");
}
