import { expect, it } from "vitest";
import { isOneOf } from "../../src/handlers/is-one-of.ts";
import { Secret } from "../../src/secret.ts";

const secrets = [new Secret("one"), new Secret("two")];

it("takes each of the secrets, and nothing else", () => {
  expect(["one", "two", "on", "onetwo", "", undefined].filter((key) => isOneOf(secrets, key))).toEqual(["one", "two"]);
});

it("takes nothing for a secret that is empty or not there", () => {
  for (const key of ["", undefined]) expect([isOneOf([new Secret("")], key), isOneOf([], key)]).toEqual([false, false]);
});
