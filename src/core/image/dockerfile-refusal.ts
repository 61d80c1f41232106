/**
 * Why a Dockerfile cannot be read. Thrown by the pieces of the parser and turned into data by `readDockerfile` and `pinDockerfile`, so
 * that a rule six calls deep stays one line; nothing outside this room sees it.
 */
export class DockerfileRefusal extends Error {
  readonly fix: string;
  /** 1-based. */
  readonly line: number;

  constructor(line: number, message: string, fix: string) {
    super(message);
    this.name = "DockerfileRefusal";
    this.line = line;
    this.fix = fix;
  }
}
