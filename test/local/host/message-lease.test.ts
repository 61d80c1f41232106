import type { QueueClient } from "@azure/storage-queue";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MessageLease } from "../../../local/host/message-lease.ts";

const minute = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The lease of a message received for ten minutes; renewals are answered as told, and noted by their minute. */
function lease(...answers: (Error | undefined)[]) {
  const began = Date.now();
  const renewals: [minute: number, receipt: string][] = [];
  const queue = {
    async updateMessage(_id: string, receipt: string) {
      renewals.push([(Date.now() - began) / minute, receipt]);
      const problem = answers.shift();
      if (problem) throw problem;
      return { popReceipt: `r${renewals.length}` };
    },
  } as unknown as QueueClient;
  return { renewals, held: new MessageLease(queue, { messageId: "m", popReceipt: "r0" }, 10 * minute) };
}

const refused = (statusCode: number, code = "") => Object.assign(new Error("refused"), { statusCode, code });

test("is renewed every five minutes with the newest receipt, which its end tells", async () => {
  const { renewals, held } = lease();
  await vi.advanceTimersByTimeAsync(12 * minute);
  expect(renewals).toEqual([
    [5, "r0"],
    [10, "r1"],
  ]);
  expect(await held.end()).toBe("r2");
  await vi.advanceTimersByTimeAsync(60 * minute);
  expect(renewals).toHaveLength(2);
});

test("after a server error it is tried sooner, by halves down to a minute, then as ever", async () => {
  const { renewals } = lease(...Array.from({ length: 4 }, () => refused(500)));
  await vi.advanceTimersByTimeAsync(17 * minute);
  expect(renewals.map(([at]) => at)).toEqual([5, 7.5, 8.75, 9.75, 10.75, 15.75]);
});

test.each([refused(404, "MessageNotFound"), refused(400, "PopReceiptMismatch")])(
  "once the message is lost it is not renewed again: %o",
  async (problem) => {
    const { renewals, held } = lease(problem);
    await vi.advanceTimersByTimeAsync(60 * minute);
    expect(renewals).toHaveLength(1);
    expect(await held.end()).toBe("r0");
  },
);
