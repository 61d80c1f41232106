import { startGitHub } from "../../../local/github/start-github.ts";

/** A twin in a process of its own, so that a test can kill it: `tsx twin-process.ts DIR HOOK_URL`. Prints what a test needs. */
const [dir, hookUrl] = process.argv.slice(2);
const github = await startGitHub({
  dir: dir!,
  app: { id: 4242 },
  webhook: { url: hookUrl!, secret: "s3cret" },
});
const repository = await github.createRepository("demo/platform");
await github.settled();
process.stdout.write(`${JSON.stringify({ ...repository, apiUrl: github.apiUrl })}\n`);
