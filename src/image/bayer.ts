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
  for (let y = 0, at = 0; y < height; y++) {
    const isInside = y > 0 && y < height - 1;
    for (let x = 0; x < width; x++, at++) {
      const to = 4 * at;
      data[to + 3] = 255;
      const place = 2 * (y & 1) + (x & 1);
      if (!isInside || x === 0 || x === width - 1) {
        const means = meansAround(samples, width, height, colours, x, y);
        for (let colour = 0; colour < 3; colour++) data[to + colour] = means[colour];
      } else {
        const [beside, below] = [colours[place ^ 1], colours[place ^ 2]];
        const row = samples[at - 1] + samples[at + 1];
        const column = samples[at - width] + samples[at + width];
        if (beside === below) {
          // Red or blue: green on four sides, the third colour in the corners.
          const above = samples[at - width - 1] + samples[at - width + 1];
          const under = samples[at + width - 1] + samples[at + width + 1];
          data[to + beside] = (row + column) / 4;
          data[to + colours[place ^ 3]] = (above + under) / 4;
        } else {
          data[to + beside] = row / 2;
          data[to + below] = column / 2;
        }
      }
      data[to + colours[place]] = samples[at];
    }
  }
  return { width, height, data };
}

/** The mean of each colour among a pixel at an edge and its neighbours; a picture of one row or column lacks a colour: 0. */
function meansAround(
  samples: ArrayLike<number>,
  width: number,
  height: number,
  colours: readonly number[],
  x: number,
  y: number,
): number[] {
  const [sums, counts] = [[0, 0, 0], [0, 0, 0]];
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
      const colour = colours[2 * (v & 1) + (u & 1)];
      sums[colour] += samples[v * width + u];
      counts[colour]++;
    }
  }
  return sums.map((sum, colour) => sum / Math.max(1, counts[colour]));
}
