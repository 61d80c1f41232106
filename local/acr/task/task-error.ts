/** The task cannot be read or run as written; the message is what the engine would say, or names what the twin lacks. */
export class TaskError extends Error {
  override readonly name = "TaskError";
}
