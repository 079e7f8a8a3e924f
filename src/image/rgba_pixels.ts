/** A picture to be shown: red, green, blue and opacity of each pixel. `new ImageData(data, width)` takes it. */
export interface RgbaPixels {
  /** Width, in pixels. */
  readonly width: number;
  /** Height, in pixels. */
  readonly height: number;
  /** Four bytes a pixel, row by row. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}
