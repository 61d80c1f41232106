import { describe, expect, test } from "vitest";
import { mayFollow } from "../../src/endpoint.ts";

describe("mayFollow", () => {
  test.each([
    ["https://a.example/x", "https://b.example/y", true],
    ["http://localhost:5000/", "http://127.0.0.1:5001/", true],
    ["http://localhost:5000/", "https://b.example/", true],
    ["https://a.example/", "http://a.example/", false],
    ["https://a.example/", "http://localhost/", false],
    ["https://a.example/", "https://localhost/", false],
    ["https://a.example/", "https://[::1]/", false],
    ["https://a.example/", "https://127.1.2.3/", false],
    ["https://a.example/", "https://user:password@a.example/", false],
    ["https://a.example/", "file:///etc/passwd", false],
  ])("%s to %s: %s", (from, to, may) => {
    expect(mayFollow(new URL(from), new URL(to))).toBe(may);
  });
});
