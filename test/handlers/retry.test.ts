import { describe, expect, it } from "vitest";
import { PermanentError, TransientError } from "../../src/errors.ts";
import { type Retried, withRetries } from "../../src/handlers/retry.ts";
import type { QueueName } from "../../src/ports.ts";
import { Outside } from "./outside.ts";

const start = "2026-11-23T12:00:00.000Z";

async function fail(
  message: Retried & { readonly run: string },
  error: Error,
  outside = new Outside(),
  queue: QueueName = "events",
) {
  const gaveUp: string[] = [];
  await withRetries(
    queue,
    message,
    { queues: outside.queues, now: outside.clock, log: outside.log },
    async () => {
      throw error;
    },
    async (m, e) => {
      gaveUp.push(`${m.run}: ${e.message}`);
    },
  );
  return { sent: outside.sent, gaveUp };
}

describe("a transient fault", () => {
  it("becomes the same message again, later, with the count and the beginning", async () => {
    const { sent, gaveUp } = await fail({ run: "acme-1" }, new TransientError("503"));
    expect(sent).toEqual([{ queue: "events", delaySeconds: 2, body: { run: "acme-1", tries: 1, since: start } }]);
    expect(gaveUp).toEqual([]);
  });

  it("waits longer each time, a quarter of an hour at most", async () => {
    const delays = [];
    for (const tries of [0, 1, 2, 5, 8, 9, 500])
      delays.push((await fail({ run: "r", tries, since: start }, new TransientError("503"))).sent[0]?.delaySeconds);
    expect(delays).toEqual([2, 4, 8, 64, 512, 900, 900]);
  });

  it("waits as long as the other side asks, within bounds", async () => {
    const asked = async (retryAfterSeconds: number) =>
      (await fail({ run: "r" }, new TransientError("429", { retryAfterSeconds }))).sent[0]?.delaySeconds;
    expect([await asked(60), await asked(1), await asked(100_000)]).toEqual([60, 2, 900]);
  });

  it("of an event is tried for three days and then given up", async () => {
    const outside = new Outside();
    outside.now = Date.parse(start) + 3 * 86_400_000;
    const message = { run: "acme-1", tries: 300, since: start };
    expect((await fail(message, new TransientError("503"), outside)).gaveUp).toEqual([]);
    outside.now += 1;
    outside.sent.length = 0;
    const { sent, gaveUp } = await fail(message, new TransientError("503"), outside);
    expect(gaveUp).toEqual(["acme-1: 503"]);
    expect(sent).toEqual([]);
  });
});

describe("a transient fault of what a row says is owed", () => {
  it.each<QueueName>(["registries", "run-work", "reports"])(
    "(%s) is tried for a minute and left to the sweep",
    async (queue) => {
      const outside = new Outside();
      let message: Retried & { readonly run: string } = { run: "acme-1" };
      for (;;) {
        outside.sent.length = 0;
        const { sent, gaveUp } = await fail(message, new TransientError("503"), outside, queue);
        expect(gaveUp).toEqual([]);
        const [again] = sent;
        if (!again) break;
        message = again.body as unknown as typeof message;
        outside.now += again.delaySeconds! * 1000;
      }
      expect(outside.now - Date.parse(start)).toBe(62_000);
      expect(outside.logs.at(-1)).toMatchObject({ message: "left to the sweep", fields: { queue, why: "503" } });
    },
  );
});

describe("other faults", () => {
  it("that are permanent are given up at once", async () => {
    const { sent, gaveUp } = await fail({ run: "acme-1" }, new PermanentError("gone", "410"));
    expect(gaveUp).toEqual(["acme-1: 410"]);
    expect(sent).toEqual([]);
  });

  it("that are bugs of ours fail the invocation, so that they are seen", async () => {
    await expect(fail({ run: "acme-1" }, new TypeError("x is undefined"))).rejects.toThrow(TypeError);
  });

  it("are none when the work is done", async () => {
    const outside = new Outside();
    const ports = { queues: outside.queues, now: outside.clock, log: outside.log };
    await withRetries(
      "reports",
      { tries: 1 },
      ports,
      async () => {},
      async () => {
        throw new Error("gave up although it worked");
      },
    );
    expect(outside.sent).toEqual([]);
  });
});
