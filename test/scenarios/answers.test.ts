/** Stories of one twin: to start one takes longer than most of them. */
import "./api-answers.story.ts";
import "./base-in-another-repository.story.ts";
import "./cancel-stops-a-run.story.ts";
import "./docker-can-pull-what-was-built.story.ts";
import "./failed-base-skips-its-dependents-and-retry-heals.story.ts";
import "./invalid-slipway-yaml-names-line-key-and-fix.story.ts";
import "./log-is-kept-and-masked.story.ts";
import "./not-allowed-to-publish-says-so.story.ts";
import "./what-cannot-be-built-says-why.story.ts";
