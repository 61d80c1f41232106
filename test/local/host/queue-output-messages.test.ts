import { describe, expect, test } from "vitest";
import { queueOutputMessages } from "../../../local/host/queue-output-messages.ts";
import { outputValue } from "../../../local/host/typed-data.ts";

const messages = (...args: Parameters<typeof outputValue>) => queueOutputMessages(outputValue(...args)).map(String);

describe("queue output messages", () => {
  test.each([
    [{ json: '{"a":1}' }, ['{\n  "a": 1\n}']],
    [{ json: '["x",{"a":1},2,false,null,[3]]' }, ["x", '{\n  "a": 1\n}', "2", "False", "[\n  3\n]"]],
    [{ json: "[]" }, []],
    [{ json: "true" }, ["True"]],
    [{ string: "plain" }, ["plain"]],
    [{ string: "" }, [""]],
    [{ string: ' {"a": 1} ' }, ['{\n  "a": 1\n}']],
    [{ string: "[1, 2]" }, ["1", "2"]],
    [{ string: "{not json}" }, ["{not json}"]],
    [{ int: 5 }, ["5"]],
    [{ int: 0 }, ["0"]],
    [{ double: 2.5 }, ["2.5"]],
    [undefined, []],
    [null, []],
  ])("%j is %j", (data, expected) => {
    expect(messages(data)).toEqual(expected);
  });

  test("bytes are one message, byte for byte", () => {
    const bytes = Buffer.from([0x5b, 0x31, 0x5d, 0xff]);
    expect(queueOutputMessages(outputValue({ bytes }))).toEqual([bytes]);
  });
});
