/** The codes of the OCI distribution spec, two that every registry answers with, and ACR's own. */
export type RegistryErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "PAGINATION_NUMBER_INVALID"
  | "SIZE_INVALID"
  | "UNAUTHORIZED"
  | "DENIED"
  | "TAG_UNKNOWN"
  | "REGISTRY_DISALLOWED_OPERATION"
  | "TOOMANYREQUESTS"
  | "UNKNOWN"
  | "UNSUPPORTED";

/** What a client did wrong, in the words of the OCI distribution spec; the HTTP layer only prints it. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly status: number;
  readonly code: RegistryErrorCode;
  readonly detail: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: RegistryErrorCode,
    message: string,
    extra: { detail?: unknown; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.detail = extra.detail;
    this.headers = extra.headers ?? {};
  }
}

/** The error body of https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes */
export function errorResponse(error: RegistryError): Response {
  const detail = error.detail === undefined ? {} : { detail: error.detail };
  return Response.json(
    { errors: [{ code: error.code, message: error.message, ...detail }] },
    { status: error.status, headers: { "Docker-Distribution-Api-Version": "registry/2.0", ...error.headers } },
  );
}
