import type { RgbaPixels } from "./rgba_pixels.ts";

/**
 * The colours behind a Bayer filter: of each pixel the colour that it has, and of the others the mean of its neighbours that
 * have them (bilinear interpolation).
 *
 * @param pattern The colours of two pixels and of the two below, such as `rggb`.
 */
export function rgbaOfBayer(
  samples: ArrayLike<number>,
  width: number,
  height: number,
  pattern: string,
): RgbaPixels {
  const colours = [...pattern].map((letter) => "rgb".indexOf(letter));
  const data = new Uint8ClampedArray(4 * width * height);
  const sums = [0, 0, 0];
  const counts = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      sums.fill(0);
      counts.fill(0);
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          const colour = colours[2 * (v & 1) + (u & 1)];
          sums[colour] += samples[v * width + u];
          counts[colour]++;
        }
      }
      const own = colours[2 * (y & 1) + (x & 1)];
      sums[own] = samples[y * width + x];
      counts[own] = 1;
      const to = 4 * (y * width + x);
      // A picture of one row or column lacks a colour: it stays 0.
      for (let colour = 0; colour < 3; colour++) {
        data[to + colour] = sums[colour] / Math.max(1, counts[colour]);
      }
      data[to + 3] = 255;
    }
  }
  return { width, height, data };
}
