import { describe, expect, it } from "vitest";
import { ByteBudget } from "../../src/flight/server/byte_budget.ts";
import { isSettled } from "../support/waiting.ts";
import { beginTopic, put, serving, statusOf, upload, VALUE_FIELDS, valueBatch } from "./support.ts";

const never = new AbortController().signal;

describe("ByteBudget", () => {
  it("lets in what fits, and the others in the order in which they came", async () => {
    const budget = new ByteBudget(10);
    const free = [await budget.take(6, never), await budget.take(4, never)];
    const first = budget.take(5, never);
    const second = budget.take(1, never);
    free[1]();
    // The second would fit, but not before the first.
    expect([await isSettled(first), await isSettled(second)]).toEqual([false, false]);
    free[0]();
    free[0]();
    await Promise.all([first, second]);
    expect(await isSettled(budget.take(5, never))).toBe(false);
  });

  it("lets in more than all there is, alone", async () => {
    const budget = new ByteBudget(10);
    const free = await budget.take(1, never);
    const large = budget.take(11, never);
    expect(await isSettled(large)).toBe(false);
    free();
    (await large)();
    await budget.take(10, never);
  });

  it("forgets who leaves", async () => {
    const budget = new ByteBudget(10);
    const free = await budget.take(6, never);
    const leaving = new AbortController();
    const left = statusOf(() => budget.take(9, leaving.signal));
    const next = budget.take(4, never);
    expect(await isSettled(next)).toBe(false);
    leaving.abort();
    expect(await left).toBe("[canceled] The client went away");
    (await next)();
    free();
    await budget.take(10, never);
    expect(await statusOf(() => budget.take(1, leaving.signal))).toBe("[canceled] The client went away");
  });
});

describe("Uploads", () => {
  it("of one connection come through one after another where there is memory for one", () =>
    serving({ maxBufferedBytes: 1 }, async ({ act, flight, client }) => {
      // Larger than the windows of streams and connections: what is not read of one must not hold up the others.
      const rows = 400_000;
      const batch = valueBatch(Array.from({ length: rows }, (_, i) => BigInt(i)), new Array(rows).fill(1));
      const names = Array.from({ length: 6 }, (_, i) => `s${i}`);
      await Promise.all(names.map(async (name) => {
        const { descriptor, session } = await beginTopic(act, name);
        await put(flight, upload(descriptor, VALUE_FIELDS, [batch, batch]));
        await act("session_finalize", { session_uuid: session });
      }));
      const infos = await client.listSequences({ details: true });
      expect(infos.map(({ topics }) => topics?.[0].rowCount)).toEqual(names.map(() => 2 * rows));
    }));
});
