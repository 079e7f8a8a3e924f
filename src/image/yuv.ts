import type { Image } from "../ontology/builtin/vision.ts";
import type { RgbaPixels } from "./rgba_pixels.ts";

/** Where the samples of a pixel are: brightness (Y), blueness (U), redness (V). */
interface Layout {
  /** Bytes from one brightness to the next, and before the first of a row. */
  readonly step: number;
  readonly first: number;
  /** Whether colours lie below the brightness, in a plane of their own. */
  readonly isPlanar: boolean;
  /** Pixels that share a colour, side by side and above each other, as powers of 2. */
  readonly across: 0 | 1;
  readonly down: 0 | 1;
  /** Bytes from one colour to the next, and U and V within. */
  readonly colourStep: number;
  readonly u: number;
  readonly v: number;
}

const UYVY: Layout = { step: 2, first: 1, isPlanar: false, across: 1, down: 0, colourStep: 4, u: 0, v: 2 };
const YUYV: Layout = { ...UYVY, first: 0, u: 1, v: 3 };
const NV12: Layout = { step: 1, first: 0, isPlanar: true, across: 1, down: 1, colourStep: 2, u: 0, v: 1 };
const LAYOUTS: Readonly<Record<string, Layout>> = {
  yuv422: UYVY,
  uyvy: UYVY,
  yuv422_yuy2: YUYV,
  yuyv: YUYV,
  nv12: NV12,
  nv21: { ...NV12, u: 1, v: 0 },
  nv24: { ...NV12, across: 0, down: 0 },
};

/**
 * The RGBA of a raw image in YUV: BT.601 in limited range, each pixel with the colour of its block. As OpenCV has it.
 */
export function rgbaOfYuv({ width, height, stride, encoding, data: from }: Image): RgbaPixels {
  const { step, first, isPlanar, across, down, colourStep, u, v } = LAYOUTS[encoding];
  const plane = isPlanar ? stride * height : 0;
  // In nv24 each pixel has a colour of two bytes, so a row of them is twice as long.
  const colourStride = isPlanar && across === 0 ? 2 * stride : stride;
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0, to = 0; y < height; y++) {
    const row = plane + (y >> down) * colourStride;
    for (let x = 0, at = y * stride + first; x < width; x++, at += step, to += 4) {
      const colour = row + (x >> across) * colourStep;
      const luma = 1.164383 * (from[at] - 16);
      // The last pixel of an odd width may lack its colour: no colour is 128.
      const blueness = (from[colour + u] ?? 128) - 128;
      const redness = (from[colour + v] ?? 128) - 128;
      data[to] = luma + 1.596027 * redness;
      data[to + 1] = luma - 0.391762 * blueness - 0.812968 * redness;
      data[to + 2] = luma + 2.017232 * blueness;
      data[to + 3] = 255;
    }
  }
  return { width, height, data };
}
