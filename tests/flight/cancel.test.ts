import { describe, expect, it } from "vitest";
import { Temperature } from "../../mod.ts";
import type { CallRecord } from "../../src/flight/server/mod.ts";
import { encodeTicket } from "../../src/flight/ticket.ts";
import { beginTopic, serving, upload, VALUE_FIELDS, valueBatch } from "./support.ts";

/** What a call's record says; waits until it is there. */
async function recordOf(
  records: readonly CallRecord[],
  call: string,
): Promise<string> {
  for (;;) {
    const found = records.find((record) => record.call === call);
    if (found) return `${found.status}: ${found.message}`;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("createServer", () => {
  it("ends a download that its client leaves, and says so", () => {
    const records: CallRecord[] = [];
    const errors: unknown[] = [];
    const options = {
      onCall: (record: CallRecord) => records.push(record),
      onError: (e: unknown) => errors.push(e),
    };
    return serving(options, async ({ client, flight }) => {
      await client.sequenceCreate("oven", {}, async (sequence) => {
        const topic = await sequence.topicCreate("t", {
          ontology: Temperature,
        });
        for (let i = 0n; i < 500_000n; i++) {
          await topic.push({ timestampNs: i, data: { value: Math.random() } });
        }
      });
      const leaving = new AbortController();
      const stream = flight.rpc.doGet({
        ticket: encodeTicket({ locator: "oven/t" }),
      }, { signal: leaving.signal });
      const messages = stream[Symbol.asyncIterator]();
      await messages.next();
      leaving.abort();
      await expect(messages.next()).rejects.toThrow();
      expect(await recordOf(records, "DoGet")).toBe(
        "canceled: The client went away",
      );
      expect(errors).toEqual([]);
    });
  });

  it("takes an upload that breaks off for cut, not for a defect", () => {
    const records: CallRecord[] = [];
    const errors: unknown[] = [];
    const options = {
      onCall: (record: CallRecord) => records.push(record),
      onError: (e: unknown) => errors.push(e),
    };
    return serving(options, async ({ act, open }) => {
      const { descriptor, session } = await beginTopic(act);
      const flight = open({});
      const messages = async function* () {
        yield* upload(descriptor, VALUE_FIELDS, [valueBatch([1n], [1])]);
        await new Promise((resolve) => setTimeout(resolve, 50));
        flight.close();
        await new Promise(() => {});
      };
      const put = (async () => {
        for await (
          const _ of flight.rpc.doPut(messages())
        );
      })();
      await expect(put).rejects.toThrow();
      expect(await recordOf(records, "DoPut")).toMatch(/^canceled: /);
      expect(errors).toEqual([]);
      await expect(act("session_finalize", { session_uuid: session })).rejects
        .toThrow("is cut off");
    });
  });
});
