import { expect, test } from "vitest";
import { Clock } from "../../../src/viewer/time/clock.ts";
import { WindowHistory } from "../../../src/viewer/time/window_history.ts";

const SECOND = 1_000_000_000n;

function make() {
  const clock = new Clock({ startNs: 0n, endNs: 100n * SECOND });
  const time = { nowMs: 0 };
  return { clock, time, windows: new WindowHistory(clock, () => time.nowMs) };
}

test("WindowHistory goes back to each window and forth again", () => {
  const { clock, time, windows } = make();
  expect(windows.back()).toBe(false);
  const whole = clock.windowNs;
  const shown = [10n, 20n, 30n].map((from) => {
    time.nowMs += 1000;
    clock.setWindow(from * SECOND, (from + 5n) * SECOND);
    return clock.windowNs;
  });
  expect(windows.hasForward).toBe(false);
  for (const window of [shown[1], shown[0], whole]) {
    expect(windows.back()).toBe(true);
    expect(clock.windowNs).toEqual(window);
  }
  expect(windows.back()).toBe(false);
  for (const window of shown) {
    expect(windows.forward()).toBe(true);
    expect(clock.windowNs).toEqual(window);
  }
  expect(windows.forward()).toBe(false);
});

test("WindowHistory takes turns of a wheel for one movement", () => {
  const { clock, time, windows } = make();
  const whole = clock.windowNs;
  time.nowMs = 1000;
  for (let i = 0; i < 10; i++, time.nowMs += 50) clock.zoom(0.8);
  const zoomed = clock.windowNs;
  // A jump is no turn of a wheel, however soon it comes.
  clock.showAll();
  windows.back();
  expect(clock.windowNs).toEqual(zoomed);
  windows.back();
  expect(clock.windowNs).toEqual(whole);
});

test("WindowHistory forgets what is ahead once another window is chosen", () => {
  const { clock, time, windows } = make();
  clock.setWindow(0n, SECOND);
  windows.back();
  time.nowMs += 10;
  clock.setWindow(SECOND, 2n * SECOND);
  expect(windows.hasForward).toBe(false);
  windows.back();
  expect(clock.windowNs.toNs).toBe(100n * SECOND + 1n);
});

test("WindowHistory keeps no window that playing made", () => {
  const { clock, time, windows } = make();
  clock.setWindow(0n, 10n * SECOND);
  clock.play();
  clock.frame(0);
  for (let ms = 1000; ms <= 30_000; ms += 1000) clock.frame(time.nowMs = ms);
  clock.pause();
  const after = clock.windowNs;
  expect(after.fromNs).toBeGreaterThan(0n);
  time.nowMs += 1000;
  clock.showAll();
  windows.back();
  expect(clock.windowNs).toEqual(after);
  windows.back();
  expect(windows.hasBack).toBe(false);
  expect(clock.isWhole).toBe(true);
});
