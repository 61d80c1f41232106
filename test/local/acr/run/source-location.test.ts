import { describe, expect, test } from "vitest";
import { SourceError } from "../../../../local/acr/run/source-error.ts";
import { parseSourceLocation, withoutCredentials, withToken } from "../../../../local/acr/run/source-location.ts";

describe("a source location", () => {
  test.each([
    ["", { kind: "none" }],
    ["/dev/null", { kind: "none" }],
    ["source/202603240000/x.tar.gz", { kind: "path", path: "source/202603240000/x.tar.gz" }],
    ["app", { kind: "path", path: "app" }],
    ["https://h/o/r.git", { kind: "git", remote: "https://h/o/r.git", ref: "", folder: "" }],
    ["http://h:1/o/r.git#main", { kind: "git", remote: "http://h:1/o/r.git", ref: "main", folder: "" }],
    ["https://h/o/r.git#v1:a/b", { kind: "git", remote: "https://h/o/r.git", ref: "v1", folder: "a/b" }],
    ["https://h/o/r.git#:a:b", { kind: "git", remote: "https://h/o/r.git", ref: "", folder: "a:b" }],
    ["https://pat@h/o/r.git", { kind: "git", remote: "https://dummy:pat@h/o/r.git", ref: "", folder: "" }],
    ["https://u:p@h/o/r.git", { kind: "git", remote: "https://u:p@h/o/r.git", ref: "", folder: "" }],
    ["github.com/o/r#dev", { kind: "git", remote: "https://github.com/o/r", ref: "dev", folder: "" }],
    [
      "https://dev.azure.com/o/p/_git/r#main",
      { kind: "git", remote: "https://dev.azure.com/o/p/_git/r", ref: "main", folder: "" },
    ],
    ["https://h/x.tar.gz?sig=1", { kind: "archive", url: "https://h/x.tar.gz?sig=1" }],
    // A well-known trap: without `.git` it is a web page that gets unpacked.
    ["https://github.com/o/r", { kind: "archive", url: "https://github.com/o/r" }],
    ["https://github.com/o/r#main", { kind: "archive", url: "https://github.com/o/r#main" }],
    ["https://dev.azure.com/o/p/_git/r?path=x", { kind: "archive", url: "https://dev.azure.com/o/p/_git/r?path=x" }],
  ])("%s", (location, parsed) => {
    expect(parseSourceLocation(location)).toEqual(parsed);
  });

  test.each(["oci://r.azurecr.io/x:1", "git://h/o/r.git", "git@github.com:o/r.git", "https://h/r.git#--upload-pack=x"])(
    "%s is not emulated",
    (location) => {
      expect(parseSourceLocation(location).kind).toBe("unsupported");
    },
  );

  test("takes a task's token, if it is Git's and has no user of its own", () => {
    expect(withToken("https://h/o/r.git#main:x", "pat")).toBe("https://pat@h/o/r.git#main:x");
    expect(withToken("github.com/o/r", "pat")).toBe("https://pat@github.com/o/r");
    expect(withToken("https://u@h/o/r.git", "pat")).toBe("https://u@h/o/r.git");
    expect(withToken("https://h/x.tar.gz", "pat")).toBe("https://h/x.tar.gz");
  });

  test("is shown without its credentials", () => {
    expect(withoutCredentials("fatal: 'https://dummy:pat@h/o.git' and http://x@y/z, not a@b")).toBe(
      "fatal: 'https://<REDACTED>@h/o.git' and http://<REDACTED>@y/z, not a@b",
    );
    expect(new SourceError("error fetching: fatal: https://dummy:pat@h/o.git").message).not.toContain("pat");
  });
});
