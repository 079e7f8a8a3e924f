/**
 * Cameras: what they see, how they see it, and how far away it is.
 *
 * @module
 */
import type { DefinedOntology } from "../define_ontology.ts";
import {
  binary,
  bool,
  fixedSizeList,
  float32,
  float64,
  inNullableColumn,
  int32,
  optional,
  uint32,
  uint8,
  utf8,
} from "../field.ts";
import { checkCompressedImage, checkImage } from "../image_layout.ts";
import { Vector2d } from "./geometry.ts";
import { header, type WithHeader } from "./header.ts";
import { builtin, type FieldsOf, items, nested } from "./table.ts";

/** A picture as pixels, row by row. */
export interface Image extends WithHeader {
  /** The bytes of the pixels, or of the file where `format` is not `raw`. */
  data: Uint8Array;
  /** What holds the pixels: `raw` or `png`. */
  format: string;
  /** Width, in pixels. */
  width: number;
  /** Height, in pixels. */
  height: number;
  /** Length of a row, padding included, in bytes. */
  stride: number;
  /** Layout of a pixel, such as `bgr8` or `mono16`. */
  encoding: string;
  /** Whether samples of several bytes begin with the highest; where missing, as the recording machine did it. */
  is_bigendian?: boolean;
}

/** The ontology `Image`. */
export const Image: DefinedOntology<Image> = /* @__PURE__ */ builtin(
  "Image",
  () => ({
    ...header(),
    data: binary({ description: "The flattened image memory buffer." }),
    format: utf8({ description: "Container format (e.g., 'raw', 'png')." }),
    width: int32({ description: "Image width in pixels." }),
    height: int32({ description: "Image height in pixels." }),
    stride: int32({ description: "Bytes per row. Essential for alignment." }),
    encoding: utf8({ description: "Pixel format (e.g., 'bgr8', 'mono16')." }),
    is_bigendian: optional(
      bool({ description: "True if data is Big-Endian. Defaults to system endianness if null." }),
    ),
  }),
  { format: "image" },
  checkImage,
);

/** A compressed picture, or one frame of a compressed video. */
export interface CompressedImage extends WithHeader {
  /** The compressed bytes. */
  data: Uint8Array;
  /** How they are compressed: `jpeg`, `png`, `tiff`, or `h264` and `hevc`, whose frames need those before them. */
  format: string;
}

/** The ontology `CompressedImage`. */
export const CompressedImage: DefinedOntology<CompressedImage> = /* @__PURE__ */ builtin(
  "CompressedImage",
  () => ({
    ...header(),
    data: binary({ description: "The serialized (compressed) image data as bytes." }),
    format: utf8({ description: "The compression format (e.g., 'jpeg', 'png')." }),
  }),
  { format: "image" },
  checkCompressedImage,
);

/** A rectangle of an image. */
export interface ROI {
  /** Its left and top edge, in pixels. */
  offset: Vector2d;
  /** Its height, in pixels. */
  height: number;
  /** Its width, in pixels. */
  width: number;
  /** Whether only this rectangle was captured, so that rectification has to allow for it; missing is no. */
  do_rectify?: boolean;
}

/** The ontology `ROI`. */
export const ROI: DefinedOntology<ROI> = /* @__PURE__ */ builtin("ROI", () => ({
  offset: nested(Vector2d, "(Leftmost, Topmost) pixels of the ROI."),
  height: uint32({ description: "Height pixel of the ROI." }),
  width: uint32({ description: "Width pixel of the ROI." }),
  do_rectify: optional(
    bool({
      description:
        "False if the full image is captured (ROI not used) and True if a subwindow is captured (ROI used) (optional). False if Null",
    }),
  ),
}));

/** Calibration of a camera: takes pixels to rays and back. Matrices are flattened by rows. */
export interface CameraInfo extends WithHeader {
  /** Height of the images of the calibration, in pixels. */
  height: number;
  /** Width of the images of the calibration, in pixels. */
  width: number;
  /** Model of the lens distortion, such as `plumb_bob` or `rational_polynomial`. */
  distortion_model: string;
  /** Coefficients of that model, k1, k2, t1, t2, k3 and on; no units. */
  distortion_parameters: Float64Array;
  /** K, 3 by 3: from camera coordinates to pixels of the raw image; focal lengths and centre in pixels. */
  intrinsic_parameters: Float64Array;
  /** R, 3 by 3: turns the camera so that the image planes of a stereo pair fall together; no units. */
  rectification_parameters: Float64Array;
  /** P, 3 by 4: from camera coordinates to pixels of the rectified image. */
  projection_parameters: Float64Array;
  /** How many pixels of the sensor make one of the image, along x and y; missing is one. */
  binning?: Vector2d;
  /** Which part of the full image is sent; missing is all of it. */
  roi?: ROI;
}

/** The ontology `CameraInfo`. */
export const CameraInfo: DefinedOntology<CameraInfo> = /* @__PURE__ */ builtin("CameraInfo", () => ({
  ...header(),
  height: uint32({
    description: "Height in pixels of the image with which the camera was calibrated.",
  }),
  width: uint32({
    description: "Width in pixels of the image with which the camera was calibrated.",
  }),
  distortion_model: utf8({
    description: "The distortion model used (e.g., 'plumb_bob', 'rational_polynomial').",
  }),
  distortion_parameters: items(
    float64(),
    "The distortion coefficients (k1, k2, t1, t2, k3...). Size depends on the model.",
  ),
  intrinsic_parameters: fixedSizeList(inNullableColumn(float64()), 9, {
    description:
      "The 3x3 Intrinsic Matrix (K) flattened row-major. Projects 3D points in the camera coordinate frame to 2D pixel coordinates.",
  }),
  rectification_parameters: fixedSizeList(inNullableColumn(float64()), 9, {
    description:
      "The 3x3 Rectification Matrix (R) flattened row-major. Used for stereo cameras to align the two image planes.",
  }),
  projection_parameters: fixedSizeList(inNullableColumn(float64()), 12, {
    description:
      "The 3x4 Projection Matrix (P) flattened row-major. Projects 3D world points directly into the rectified image pixel coordinates.",
  }),
  binning: optional(
    nested(Vector2d, "Hardware binning factor (x, y). If null, assumes (0, 0) (no binning)."),
  ),
  roi: optional(
    nested(ROI, "Region of Interest. Used if the image is a sub-crop of the full resolution."),
  ),
}));

/** What all depth cameras give: points in the camera's frame, z along the optical axis, one item per point. */
export interface DepthPoints extends WithHeader {
  /** Positions along x, in m. */
  x: Float32Array;
  /** Positions along y, in m. */
  y: Float32Array;
  /** Depths, in m. */
  z: Float32Array;
  /** Colours: the bits of each float32 are 0x00RRGGBB. */
  rgb?: Float32Array;
  /** Amplitudes of the signal, in the camera's own unit. */
  intensity?: Float32Array;
}

/** A camera that sees colour and depth, by structured light or active infrared. */
export interface RGBDCamera extends DepthPoints {}

/** The ontology `RGBDCamera`. */
export const RGBDCamera: DefinedOntology<RGBDCamera> = /* @__PURE__ */ builtin("RGBDCamera", depthPoints);

/** A pair of cameras that finds depth from the disparity of the two images. */
export interface StereoCamera extends DepthPoints {
  /** Luminance of the pixel in the rectified image, 0 to 255. */
  luma?: Uint8Array;
  /** Cost of the match, 0 to 255: 0 is the surest. */
  cost?: Uint8Array;
}

/** The ontology `StereoCamera`. */
export const StereoCamera: DefinedOntology<StereoCamera> = /* @__PURE__ */ builtin("StereoCamera", () => ({
  ...depthPoints(),
  luma: optional(items(uint8(), "Luminance of the corresponding pixel in the rectified image.")),
  cost: optional(
    items(uint8(), "Stereo matching cost (disparity confidence measure, 0 = high confidence)."),
  ),
}));

/** A camera that finds depth from the time of flight of its own light. */
export interface ToFCamera extends DepthPoints {
  /** Noise estimated for each depth, in the camera's own unit: higher is less sure. */
  noise?: Float32Array;
  /** Brightness without the camera's own light, in its own unit. */
  grayscale?: Float32Array;
}

/** The ontology `ToFCamera`. */
export const ToFCamera: DefinedOntology<ToFCamera> = /* @__PURE__ */ builtin("ToFCamera", () => ({
  ...depthPoints(),
  noise: optional(items(float32(), "Noise value per pixel.")),
  grayscale: optional(items(float32(), "Grayscale amplitude.")),
}));

function depthPoints(): FieldsOf<DepthPoints> {
  return {
    ...header(),
    x: items(float32(), "Horizontal position derived from depth."),
    y: items(float32(), "Vertical position derived from depth."),
    z: items(float32(), "Depth value directly (distance along optical axis)."),
    rgb: optional(items(float32(), "Packed RGB color value.")),
    intensity: optional(items(float32(), "Signal amplitude/intensity.")),
  };
}
