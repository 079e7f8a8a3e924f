/** A track on a plane: from degrees or metres to pixels. */

/** Where a track lies: the range of each of its coordinates. */
export interface Extent {
  readonly minX: number;
  readonly maxX: number;
  readonly minY: number;
  readonly maxY: number;
}

/** From coordinates to pixels, with y upwards on the screen. */
export interface Projection {
  x(value: number): number;
  y(value: number): number;
  /** Pixels a metre, or a unit where coordinates have none. */
  readonly scale: number;
  /** Of the picture. */
  readonly width: number;
  readonly height: number;
}

const METRES_A_DEGREE = 111_194.9;

/** Range of the coordinates that are numbers; undefined where there is none. */
export function extentOf(xs: ArrayLike<number>, ys: ArrayLike<number>): Extent | undefined {
  let [minX, maxX, minY, maxY] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < xs.length; i++) {
    const [x, y] = [xs[i], ys[i]];
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    minX = Math.min(minX, x);
    maxX = Math.max(maxX, x);
    minY = Math.min(minY, y);
    maxY = Math.max(maxY, y);
  }
  return minX <= maxX ? { minX, maxX, minY, maxY } : undefined;
}

/**
 * Fits an extent into a rectangle of pixels, the same scale both ways. Degrees (x longitude, y latitude) are taken to metres
 * around the extent's middle: exact to a thousandth within some ten kilometres.
 */
export function fitProjection(
  extent: Extent,
  size: { width: number; height: number; margin: number },
  isGeographic: boolean,
): Projection {
  const middle = { x: (extent.minX + extent.maxX) / 2, y: (extent.minY + extent.maxY) / 2 };
  const factorY = isGeographic ? METRES_A_DEGREE : 1;
  const factorX = isGeographic ? factorY * Math.max(1e-6, Math.cos(middle.y * Math.PI / 180)) : 1;
  const inner = (length: number) => Math.max(1, length - 2 * size.margin);
  const wide = Math.max((extent.maxX - extent.minX) * factorX, 1e-9);
  const high = Math.max((extent.maxY - extent.minY) * factorY, 1e-9);
  // What does not move is not blown up to the whole picture: a metre, or a unit, at the least.
  const scale = Math.min(inner(size.width) / Math.max(wide, 1), inner(size.height) / Math.max(high, 1));
  return {
    scale,
    width: size.width,
    height: size.height,
    x: (value) => size.width / 2 + (value - middle.x) * factorX * scale,
    y: (value) => size.height / 2 - (value - middle.y) * factorY * scale,
  };
}

/** A round length for a scale bar of at most so many pixels: its length in units and pixels. */
export function scaleBar(scale: number, maxPixels: number): { units: number; pixels: number } {
  const most = maxPixels / scale;
  const power = 10 ** Math.floor(Math.log10(most));
  const units = [5, 2, 1].map((factor) => factor * power).find((length) => length <= most) ?? power;
  return { units, pixels: units * scale };
}
