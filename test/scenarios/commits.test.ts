/** Stories of one twin: to start one takes longer than most of them. */
import "./each-ref-is-a-track-of-its-own.story.ts";
import "./push-builds-changed-images-and-dependents.story.ts";
import "./rebuild-builds-although-nothing-changed.story.ts";
import "./rollback-moves-the-stable-tag-back.story.ts";
import "./superseded-commits-are-not-built.story.ts";
import "./uneven-diamond-builds-once.story.ts";
