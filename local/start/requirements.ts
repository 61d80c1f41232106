/** Lowest Node that the package's `engines` allows. */
const leastNode = [20, 19] as const;

/** What has to be installed before anything can start, as sentences for people; empty when all is there. */
export function missingRequirements(found: {
  /** As in process.versions.node. */
  readonly node: string;
  /** What `git --version` printed; undefined when there is no git. */
  readonly git: string | undefined;
}): readonly string[] {
  const [major = 0, minor = 0] = found.node.split(".").map(Number);
  const [leastMajor, leastMinor] = leastNode;
  const missing: string[] = [];
  if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
    const least = leastNode.join(".");
    missing.push(`Node.js ${least} or newer is needed, this is ${found.node}: install it from https://nodejs.org/`);
  }
  if (found.git === undefined) {
    const how = "apt install git, brew install git, or https://git-scm.com/downloads";
    missing.push(`git is needed and was not found: ${how}`);
  }
  return missing;
}
