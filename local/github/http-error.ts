/** An error body as GitHub writes it. `status` is a string in the body, and so it is on github.com. */
export class GitHubHttpError extends Error {
  readonly status: number;
  readonly errors: object[] | undefined;
  /** Sent with the answer. */
  headers: Record<string, string> = {};

  constructor(status: number, message: string, errors?: object[]) {
    super(message);
    this.name = "GitHubHttpError";
    this.status = status;
    this.errors = errors;
  }

  body(): object {
    return {
      message: this.message,
      ...(this.errors ? { errors: this.errors } : {}),
      ...(this.headers.location ? { url: this.headers.location } : {}),
      documentation_url: "https://docs.github.com/rest",
      status: String(this.status),
    };
  }
}

/** The repository's API moved with it: 301 for reading, 307 for the rest. https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects */
export function moved(status: 301 | 307, location: string): GitHubHttpError {
  const error = new GitHubHttpError(status, status === 301 ? "Moved Permanently" : "Temporary Redirect");
  error.headers = { location };
  return error;
}

export const notFound = () => new GitHubHttpError(404, "Not Found");

/** 422 with one reason, in GitHub's `errors` list. */
export function validationFailed(resource: string, field: string, message: string): GitHubHttpError {
  return new GitHubHttpError(422, "Validation Failed", [{ resource, field, code: "custom", message }]);
}
