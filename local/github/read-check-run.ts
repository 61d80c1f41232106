import { type CheckRun, checkStatuses, conclusions } from "./check-run.ts";
import { requiredField, textField, wordField } from "./fields.ts";
import { GitHubHttpError, validationFailed } from "./http-error.ts";

const resource = "CheckRun";
/** Characters of `output.summary` and `output.text`. https://docs.github.com/rest/checks/runs#create-a-check-run */
const mostOutput = 65_535;
const mostAnnotations = 50;
const mostActions = 3;

type Changes = Partial<
  Pick<
    CheckRun,
    | "name"
    | "status"
    | "conclusion"
    | "detailsUrl"
    | "externalId"
    | "startedAt"
    | "completedAt"
    | "output"
    | "annotations"
    | "actions"
  >
>;

/** What a request asks of a check run; only what it names. `annotations` are those to append. */
export function readCheckRun(body: Record<string, unknown>, now: string): Changes {
  const given = (field: string) => body[field] !== undefined && body[field] !== null;
  const changes: Changes = {};
  if (given("name")) changes.name = requiredField(resource, body, "name");
  if (given("details_url")) changes.detailsUrl = webUrl(body);
  if (given("external_id")) changes.externalId = textField(resource, body, "external_id")!;
  if (given("started_at")) changes.startedAt = timeField(body, "started_at");
  Object.assign(changes, readOutcome(body, now), readOutput(body.output));
  if (given("actions")) changes.actions = readActions(body.actions);
  return changes;
}

/** A conclusion completes a run whatever the status says; completing needs one; any other status takes it away. */
function readOutcome(body: Record<string, unknown>, now: string): Changes {
  const status = wordField(resource, body, "status", checkStatuses);
  const conclusion = wordField(resource, body, "conclusion", conclusions);
  if (conclusion) {
    return { status: "completed", conclusion, completedAt: timeField(body, "completed_at") ?? now };
  }
  if (status === "completed") {
    throw validationFailed(resource, "conclusion", "conclusion is required when status is completed");
  }
  return status ? { status, conclusion: null, completedAt: null } : {};
}

function readOutput(output: unknown): Changes {
  if (output === undefined || output === null) return {};
  if (typeof output !== "object") throw validationFailed(resource, "output", "output is not an object");
  const fields = output as Record<string, unknown>;
  const title = requiredField(resource, fields, "title");
  const summary = requiredField(resource, fields, "summary", mostOutput);
  const text = textField(resource, fields, "text", mostOutput);
  return { output: { title, summary, text }, annotations: readAnnotations(fields.annotations) };
}

function readAnnotations(value: unknown): Record<string, unknown>[] {
  const annotations = listOf(value ?? [], "annotations");
  if (annotations.length > mostAnnotations) {
    throw new GitHubHttpError(
      422,
      `Invalid request.\n\nNo more than ${mostAnnotations} items are allowed; ${annotations.length} were supplied.`,
    );
  }
  for (const each of annotations) {
    requiredField(resource, each, "path");
    requiredField(resource, each, "message");
    wordField(resource, each, "annotation_level", ["notice", "warning", "failure"]);
    textField(resource, each, "title", 255);
    for (const line of ["start_line", "end_line"]) {
      if (!Number.isInteger(each[line])) throw validationFailed(resource, line, `${line} is not an integer`);
    }
    // 64 KB each. https://docs.github.com/rest/checks/runs#create-a-check-run
    for (const long of ["message", "raw_details"]) {
      if (Buffer.byteLength(textField(resource, each, long) ?? "") > 64 * 1024) {
        throw validationFailed(resource, long, `${long} is too long (maximum is 64 KB)`);
      }
    }
  }
  return annotations;
}

function readActions(value: unknown): CheckRun["actions"] {
  const actions = listOf(value, "actions");
  if (actions.length > mostActions) {
    throw validationFailed(resource, "actions", `no more than ${mostActions} actions are allowed`);
  }
  return actions.map((each) => ({
    label: requiredField(resource, each, "label", 20),
    description: requiredField(resource, each, "description", 40),
    identifier: requiredField(resource, each, "identifier", 20),
  }));
}

function listOf(value: unknown, field: string): Record<string, unknown>[] {
  if (Array.isArray(value) && value.every((each) => typeof each === "object" && each !== null)) return value;
  throw validationFailed(resource, field, `${field} is not a list of objects`);
}

function timeField(body: Record<string, unknown>, field: string): string | null {
  const value = textField(resource, body, field);
  if (value === null) return null;
  if (!/^\d{4}-\d\d-\d\dT/.test(value) || Number.isNaN(Date.parse(value))) {
    throw validationFailed(resource, field, `${field} is not an ISO 8601 time`);
  }
  return new Date(value).toISOString().replace(/\.\d{3}Z$/, "Z");
}

function webUrl(body: Record<string, unknown>): string {
  const url = requiredField(resource, body, "details_url");
  if (/^https?:\/\//i.test(url)) return url;
  throw validationFailed(resource, "details_url", "details_url must use http or https scheme");
}
