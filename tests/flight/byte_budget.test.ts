import { describe, expect, it } from "vitest";
import { ByteBudget } from "../../src/flight/server/byte_budget.ts";
import { isSettled } from "../client/support.ts";
import { statusOf } from "./support.ts";

const [a, b, c] = [{ name: "a" }, { name: "b" }, { name: "c" }];
const never = new AbortController().signal;

describe("ByteBudget", () => {
  it("lets in what fits, and the others in the order in which they came", async () => {
    const budget = new ByteBudget(10);
    const free = [await budget.take(6, a, never), await budget.take(4, b, never)];
    const first = budget.take(5, c, never);
    const second = budget.take(1, { name: "d" }, never);
    free[1]();
    // The second would fit, but not before the first.
    expect([await isSettled(first), await isSettled(second)]).toEqual([false, false]);
    free[0]();
    free[0]();
    await Promise.all([first, second]);
    expect(await isSettled(budget.take(5, b, never))).toBe(false);
  });

  it("lets in more than all there is, alone", async () => {
    const budget = new ByteBudget(10);
    const free = await budget.take(1, a, never);
    const large = budget.take(11, b, never);
    expect(await isSettled(large)).toBe(false);
    free();
    (await large)();
    await budget.take(10, c, never);
  });

  it("refuses who would wait for itself, and lets it pass by those who wait", async () => {
    const budget = new ByteBudget(10);
    await budget.take(6, a, never);
    const waiting = budget.take(5, b, never);
    await budget.take(4, a, never);
    expect(await statusOf(() => budget.take(1, a, never))).toBe(
      "[resource_exhausted] A message of 1 bytes finds the server's memory for uploads full, 10 of 10 bytes: " +
        "wanted smaller messages, or fewer at once",
    );
    expect(await isSettled(waiting)).toBe(false);
  });

  it("forgets who leaves", async () => {
    const budget = new ByteBudget(10);
    const free = await budget.take(6, a, never);
    const leaving = new AbortController();
    const left = statusOf(() => budget.take(9, b, leaving.signal));
    const next = budget.take(4, c, never);
    expect(await isSettled(next)).toBe(false);
    leaving.abort();
    expect(await left).toBe("[canceled] The client went away");
    (await next)();
    free();
    await budget.take(10, b, never);
    expect(await statusOf(() => budget.take(1, c, leaving.signal))).toBe("[canceled] The client went away");
  });
});
