/** An error body as GitHub writes it. `status` is a string in the body, and so it is on github.com. */
export class GitHubHttpError extends Error {
  readonly status: number;
  readonly errors: object[] | undefined;

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
      documentation_url: "https://docs.github.com/rest",
      status: String(this.status),
    };
  }
}

export const notFound = () => new GitHubHttpError(404, "Not Found");

/** 422 with one reason, in GitHub's `errors` list. */
export function validationFailed(resource: string, field: string, message: string): GitHubHttpError {
  return new GitHubHttpError(422, "Validation Failed", [{ resource, field, code: "custom", message }]);
}
