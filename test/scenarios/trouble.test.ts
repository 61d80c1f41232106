/** Stories of one twin: to start one takes longer than most of them. */
import "./failed-delivery-is-redelivered.story.ts";
import "./limited-by-github-waits-and-goes-on.story.ts";
import "./lost-reply-is-adopted.story.ts";
import "./lost-webhook-is-found-by-the-sweep.story.ts";
import "./reordered-and-stale-news-builds-the-head.story.ts";
import "./throttled-by-acr-waits-and-goes-on.story.ts";
