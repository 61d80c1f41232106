import { EngineError } from "../engine.ts";

/** An archive that would write outside its directory, that is too large, or that cannot be read. */
export class ArchiveError extends EngineError {}
