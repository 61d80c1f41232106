/** A step did its work and failed at it. The message ends the line `failed to run step ID: …:`, such as `exit status 1`. */
export class StepFailure extends Error {
  override readonly name: string = "StepFailure";
}

/** What a container ended with. */
export class ExitFailure extends StepFailure {
  override readonly name = "ExitFailure";
  readonly code: number;

  constructor(code: number) {
    super(`exit status ${code}`);
    this.code = code;
  }
}

/** The container of a step could not be started; docker says so, not what was to run in it. */
export class LaunchFailure extends Error {
  override readonly name = "LaunchFailure";
}
