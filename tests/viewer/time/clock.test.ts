import { describe, expect, it } from "vitest";
import { Clock, MIN_WINDOW_NS, nsOf, secondsOf } from "../../../src/viewer/time/clock.ts";
import { caseRange, failedCase, Random } from "../../support/random_cases.ts";

const START = 1_700_000_000_123_456_789n;
const SECOND = 1_000_000_000n;
const END = START + 100n * SECOND;

function clockOf(more: Partial<ConstructorParameters<typeof Clock>[0]> = {}) {
  const clock = new Clock({ startNs: START, endNs: END, ...more });
  const heard: string[][] = [];
  clock.subscribe((changes) => heard.push([...changes].sort()));
  return { clock, heard };
}

describe("A clock", () => {
  it("keeps moments exactly, and gives them in seconds", () => {
    const { clock, heard } = clockOf();
    clock.seek(START + 12_345_678_901n);
    expect([clock.cursorNs, clock.cursor]).toEqual([
      START + 12_345_678_901n,
      12.345678901,
    ]);
    expect(clock.toNs(clock.cursor)).toBe(clock.cursorNs);
    clock.seek(START - 5n);
    expect(clock.cursorNs).toBe(START);
    clock.seek(END + 5n);
    expect(clock.cursorNs).toBe(END);
    expect(heard).toEqual([["cursor"], ["cursor"], ["cursor"]]);
    clock.seek(END);
    expect(heard.length).toBe(3);
  });

  it("zooms about the cursor, or where the window does not show it about the middle, within the recording", () => {
    const { clock } = clockOf();
    clock.seek(START + 20n * SECOND);
    clock.zoom(0.5);
    expect(clock.window).toEqual({
      from: 10,
      to: secondsOf(clock.windowNs.toNs - START),
    });
    expect(clock.window.to).toBeCloseTo(60, 6);
    clock.setWindow(START + 50n * SECOND, START + 60n * SECOND);
    clock.zoom(0.5);
    expect(clock.window).toEqual({ from: 52.5, to: 57.5 });
    clock.zoom(1000);
    expect(clock.isWhole).toBe(true);
    for (let i = 0; i < 100; i++) clock.zoom(0.1, START + 3n * SECOND);
    const { fromNs, toNs } = clock.windowNs;
    expect(toNs - fromNs).toBe(MIN_WINDOW_NS);
    expect(fromNs <= START + 3n * SECOND && toNs > START + 3n * SECOND).toBe(
      true,
    );
    for (const factor of [0, -1, NaN]) {
      expect(() => clock.zoom(factor)).toThrow(RangeError);
    }
  });

  it("pans and stops at the ends, and turns a window that is given the wrong way", () => {
    const { clock } = clockOf();
    clock.setWindow(START + 20n * SECOND, START + 10n * SECOND);
    expect(clock.window).toEqual({ from: 10, to: 20 });
    clock.pan(-0.5);
    expect(clock.window).toEqual({ from: 5, to: 15 });
    clock.pan(-5);
    expect(clock.window).toEqual({ from: 0, to: 10 });
    clock.pan(1e12);
    expect(clock.windowNs).toEqual({
      fromNs: END + 1n - 10n * SECOND,
      toNs: END + 1n,
    });
  });

  it("plays by the frames' times, at a speed, to the end", () => {
    const { clock, heard } = clockOf();
    clock.frame(10);
    expect(heard).toEqual([]);
    clock.play();
    clock.frame(1000);
    expect(clock.cursor).toBe(0);
    clock.frame(1016);
    expect(clock.cursorNs - START).toBe(16_000_000n);
    clock.setSpeed(10);
    clock.frame(2000); // the first at this speed
    clock.frame(2100);
    expect(clock.cursorNs - START).toBe(1_016_000_000n);
    clock.seek(START + 50n * SECOND);
    clock.frame(2200);
    clock.frame(2300);
    expect(clock.cursor).toBe(51);
    // A clock of the day that goes back moves nothing back.
    clock.frame(100);
    expect(clock.cursor).toBe(50);
    clock.frame(1e9);
    expect([clock.cursorNs, clock.isPlaying]).toEqual([END, false]);
    clock.play();
    expect(clock.cursorNs).toBe(START);
    clock.pause();
    clock.frame(1e9 + 50);
    expect(clock.cursorNs).toBe(START);
    for (const speed of [0, -1, NaN, Infinity]) {
      expect(() => clock.setSpeed(speed)).toThrow(RangeError);
    }
  });

  it("turns the page when the cursor leaves the window, and does not move it else", () => {
    const { clock } = clockOf();
    clock.setWindow(START, START + 10n * SECOND);
    clock.play();
    clock.frame(0);
    clock.frame(9000);
    expect(clock.window.from).toBe(0);
    clock.frame(11_000);
    expect(clock.window).toEqual({ from: 10.5, to: 20.5 });
    clock.seek(START + 80n * SECOND);
    expect(clock.window).toEqual({ from: 75, to: 85 });
  });

  it("sticks to the end of a recording that grows until it is moved", () => {
    const { clock, heard } = clockOf({ isLive: true });
    expect([clock.cursorNs, clock.isAtEnd]).toEqual([END, true]);
    clock.setExtent({ endNs: END + SECOND });
    expect([clock.cursorNs, clock.isWhole]).toEqual([END + SECOND, true]);
    expect(heard).toEqual([["cursor", "extent", "window"]]);
    clock.setWindow(END - 4n * SECOND, END + SECOND);
    expect(clock.isAtEnd).toBe(false);
    clock.setExtent({ endNs: END + 2n * SECOND });
    expect([clock.cursorNs, clock.windowNs.toNs]).toEqual([
      END + SECOND,
      END + SECOND,
    ]);
    clock.toEnd();
    clock.setExtent({ endNs: END + 9n * SECOND });
    const { fromNs, toNs } = clock.windowNs;
    expect([clock.cursorNs, toNs, toNs - fromNs]).toEqual([
      END + 9n * SECOND,
      END + 9n * SECOND + 1n,
      5n * SECOND,
    ]);
    clock.setExtent({ endNs: END + 9n * SECOND, isLive: false });
    expect([clock.isLive, clock.isAtEnd]).toEqual([false, false]);
  });

  it("waits at the end of what there is while it plays live", () => {
    const { clock } = clockOf({ isLive: true });
    clock.seek(END - SECOND);
    clock.play();
    clock.frame(0);
    clock.frame(5000);
    expect([clock.cursorNs, clock.isPlaying]).toEqual([END, true]);
    clock.setExtent({ endNs: END + 10n * SECOND });
    clock.frame(6000);
    clock.frame(7000);
    expect(clock.cursorNs).toBe(END + SECOND);
  });

  it("begins with the first messages of a recording that had none", () => {
    const { clock } = clockOf({ startNs: 0n, endNs: 0n, isLive: true });
    clock.setExtent({ startNs: START, endNs: START + SECOND });
    expect([clock.startNs, clock.cursor, clock.window.from, clock.isWhole])
      .toEqual([START, 1, 0, true]);
  });

  it("has two marks", () => {
    const { clock, heard } = clockOf();
    clock.clearMarks();
    clock.setMark("a");
    clock.setMark("b", END);
    expect(clock.marksNs).toEqual({ a: START, b: END });
    clock.setMark("b", null);
    expect(clock.marksNs).toEqual({ a: START, b: undefined });
    clock.clearMarks();
    expect(clock.marksNs).toEqual({ a: undefined, b: undefined });
    expect(heard).toEqual([["marks"], ["marks"], ["marks"], ["marks"]]);
  });

  it("tells listeners that come and go, and one that changes it again", () => {
    const { clock, heard } = clockOf();
    const off = clock.subscribe((changes) => {
      if (changes.has("cursor")) clock.setMark("a");
      off();
    });
    clock.seek(START + SECOND);
    expect(heard).toEqual([["cursor"], ["marks"]]);
    expect(clock.marksNs.a).toBe(START + SECOND);
  });

  it("has a window within the recording, and a cursor too, whatever is done", () => {
    const { cases, seed } = caseRange(200);
    for (let i = 0; i < cases; i++) {
      try {
        checkCase(seed + i);
      } catch (reason) {
        throw failedCase(seed + i, "tests/viewer/time/clock.test.ts", reason);
      }
    }
  });
});

function checkCase(seed: number): void {
  const random = new Random(seed);
  const length = BigInt(random.pick([0, 1, 999, 1000, 1_000_000, 2 ** 50]));
  let endNs = START + length;
  const clock = new Clock({ startNs: START, endNs, isLive: random.oneIn(2) });
  const moment = () =>
    START +
    BigInt(random.below(2 ** 31)) * BigInt(random.pick([-1, 0, 1, 1_000_000]));
  for (let step = 0; step < 40; step++) {
    random.pick([
      () => clock.seek(moment()),
      () => clock.setWindow(moment(), moment()),
      () =>
        clock.zoom(
          random.pick([0.001, 0.5, 2, 1e9]),
          random.oneIn(2) ? moment() : undefined,
        ),
      () => clock.pan(random.pick([-1e9, -0.3, 0.3, 1e9])),
      () => clock.step(random.pick([-0.1, 0.01])),
      () => clock.showAll(),
      () => clock.toEnd(),
      () => clock.play(),
      () => clock.frame(random.below(1e6)),
      () => clock.setExtent({ endNs: endNs += BigInt(random.below(1000)) }),
    ])();
    const { fromNs, toNs } = clock.windowNs;
    const whole = endNs + 1n - START < MIN_WINDOW_NS ? START + MIN_WINDOW_NS : endNs + 1n;
    expect(
      fromNs >= START && toNs <= whole && toNs - fromNs >= MIN_WINDOW_NS,
      `${fromNs} ${toNs}`,
    ).toBe(
      true,
    );
    expect(clock.cursorNs >= START && clock.cursorNs <= endNs).toBe(true);
  }
}

describe("Seconds", () => {
  it("are nanoseconds and back, exactly, of half a hundred days", () => {
    const { seed } = caseRange(1);
    const random = new Random(seed);
    for (let i = 0; i < 5000; i++) {
      const ns = BigInt(random.below(2 ** 31)) * BigInt(random.below(2 ** 21)) *
        BigInt(random.oneIn(2) ? 1 : -1);
      expect(nsOf(secondsOf(ns)), `${ns} (seed ${seed})`).toBe(ns);
    }
    for (const seconds of [NaN, Infinity]) {
      expect(() => nsOf(seconds)).toThrow(RangeError);
    }
  });
});
