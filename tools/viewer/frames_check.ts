/// <reference lib="dom" />
/**
 * Whether points are where transforms put them.
 *
 * @module
 */
import type { Checked } from "./checked.ts";
import { check, type Page } from "./page.ts";
import { FRAMES_END, HEAPS, LIDAR_HEIGHT } from "./recordings.ts";

type Point = readonly [x: number, y: number, z: number];

/** How far from its place a heap may be drawn, in pixels. */
const NEAR = 6;
const PICTURE = "canvas[aria-label^='Points of']";

/** Points of a lidar on a moving base, in the map's frame, at the start, in between, and at the end; in words where there is no way. */
export async function frames({ site, browser, pictures }: Checked): Promise<void> {
  const open = (layout: string) =>
    browser.open(`${site.url}viewer/?url=/recordings/frames&layout=/recordings/${layout}.layout.json`, {
      // Chromium says what it thinks of a software GPU.
      expected: /GPU|WebGL/,
      width: 900,
      height: 600,
    });
  const page = await open("frames");
  await page.locator(PICTURE).waitFor();
  await checkHeaps(page, 0);
  await page.keyboard.press("End");
  await checkHeaps(page, 1);
  // Half the time: there is no transform, but one before and one after.
  await page.evaluate(() => {
    const viewer = document.querySelector("smalti-viewer") as HTMLElement & { currentNs: bigint };
    viewer.currentNs -= 5_000_000_000n;
  });
  await checkHeaps(page, 0.5);
  await page.screenshot({ path: `${pictures}/frames.png` });
  // In its own frame nothing moves.
  await page.getByRole("combobox", { name: "Frame" }).selectOption("lidar");
  await checkPlaces(page, HEAPS, 0);

  const all = await open("frames_all");
  await all.getByText("no transform names the frame elsewhere").waitFor();
  await all.locator(PICTURE).waitFor();
  await all.keyboard.press("End");
  await all.waitForTimeout(500);
  await all.screenshot({ path: `${pictures}/frames_all.png` });
}

/** The heaps are where the base has taken them after a part of its way. */
async function checkHeaps(page: Page, part: number): Promise<void> {
  const [yaw, y] = [FRAMES_END.yaw * part, FRAMES_END.y * part];
  const places = HEAPS.map(([x, side, z]): Point => [
    x * Math.cos(yaw) - side * Math.sin(yaw),
    x * Math.sin(yaw) + side * Math.cos(yaw) + y,
    z + LIDAR_HEIGHT,
  ]);
  await checkPlaces(page, places, part);
}

async function checkPlaces(page: Page, places: readonly Point[], part: number): Promise<void> {
  let found = "";
  // It is drawn a few frames after the cursor was moved.
  for (let left = 8; left > 0; left--) {
    await page.waitForTimeout(100);
    const { blue, width, height } = await blueOf(page);
    const blots = places.map((place) => projected(place, width, height));
    const counts = blots.map(() => 0);
    let strays = 0;
    for (const [px, py] of blue) {
      const near = blots.findIndex(([x, y]) => Math.hypot(px - x, py - y) < NEAR);
      if (near < 0) strays++;
      else counts[near]++;
    }
    found = `${counts.join(" and ")} pixels near ${
      blots.map((blot) => blot.map(Math.round).join(", ")).join(" and ")
    }, ${strays} elsewhere: ${blue.slice(0, 3).join("; ")}`;
    if (counts.every((count) => count >= 3) && strays === 0) return;
  }
  check(false, `after ${part} of the way there are ${found}: wanted all at those places`);
}

/** The pixels of the picture that have the colour of the points. */
async function blueOf(page: Page): Promise<{ blue: [number, number][]; width: number; height: number }> {
  const picture = await page.locator(PICTURE).first().screenshot();
  return await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const { width, height } = image;
    const context = new OffscreenCanvas(width, height).getContext("2d")!;
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const blue: [number, number][] = [];
    for (let at = 0; at < width * height; at++) {
      const [r, g, b] = [data[4 * at], data[4 * at + 1], data[4 * at + 2]];
      if (b > 180 && b - r > 90 && b - g > 60) blue.push([at % width, Math.floor(at / width)]);
    }
    return { blue, width, height };
  }, picture.toString("base64"));
}

/** Where a place is seen: the eye is put where all of the first cloud is seen, at the start. */
function projected([x, y, z]: Point, width: number, height: number): [number, number] {
  const center: Point = [0, 0, LIDAR_HEIGHT];
  const distance = 3.03 * 1.9;
  const eye: Point = [center[0] - distance, center[1] - distance, center[2] + distance * 0.8];
  const forward = unit(minus(center, eye));
  const right = unit(cross(forward, [0, 0, 1]));
  const up = cross(right, forward);
  const seen = minus([x, y, z], eye);
  const scale = height / 2 / Math.tan(25 * Math.PI / 180) / dot(seen, forward);
  return [width / 2 + dot(seen, right) * scale, height / 2 - dot(seen, up) * scale];
}

function minus(a: Point, b: Point): Point {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function dot(a: Point, b: Point): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function cross(a: Point, b: Point): Point {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(a: Point): Point {
  const length = Math.sqrt(dot(a, a));
  return [a[0] / length, a[1] / length, a[2] / length];
}
