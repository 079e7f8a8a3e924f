import type { Image } from "../ontology/builtin/vision.ts";
import type { RgbaPixels } from "./rgba_pixels.ts";

/** Where the samples of a pixel are: brightness, blueness (U), redness (V). */
type Places = (x: number, y: number) => readonly [number, number, number];

/**
 * The RGBA of a raw image in YUV: BT.601 in limited range, each pixel with the colour of its block. As OpenCV has it.
 */
export function rgbaOfYuv(image: Image): RgbaPixels {
  const { width, height, data: from } = image;
  const places = placesIn(image);
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 4) {
      const [brightness, blueness, redness] = places(x, y);
      const luma = 1.164383 * (from[brightness] - 16);
      // The last pixel of an odd width may lack its colour: no colour is 128.
      const u = (from[blueness] ?? 128) - 128;
      const v = (from[redness] ?? 128) - 128;
      data[to] = luma + 1.596027 * v;
      data[to + 1] = luma - 0.391762 * u - 0.812968 * v;
      data[to + 2] = luma + 2.017232 * u;
      data[to + 3] = 255;
    }
  }
  return { width, height, data };
}

function placesIn({ encoding, stride, height }: Image): Places {
  const below = stride * height;
  switch (encoding) {
    case "yuv422":
    case "uyvy":
      return (x, y) => {
        const block = y * stride + 4 * (x >> 1);
        return [block + 1 + 2 * (x & 1), block, block + 2];
      };
    case "yuv422_yuy2":
    case "yuyv":
      return (x, y) => {
        const block = y * stride + 4 * (x >> 1);
        return [block + 2 * (x & 1), block + 1, block + 3];
      };
    case "nv24":
      return (x, y) => {
        const colour = below + 2 * (y * stride + x);
        return [y * stride + x, colour, colour + 1];
      };
    default: {
      // A block of 2 x 2 pixels has one colour: U and V in nv12, V and U in nv21.
      const [u, v] = encoding === "nv12" ? [0, 1] : [1, 0];
      return (x, y) => {
        const colour = below + (y >> 1) * stride + 2 * (x >> 1);
        return [y * stride + x, colour + u, colour + v];
      };
    }
  }
}
