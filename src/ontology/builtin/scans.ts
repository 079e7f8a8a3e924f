/**
 * Many points at a time: laser scanners, lidars, radars and point clouds.
 *
 * @module
 */
import type { DefinedOntology } from "../define_ontology.ts";
import {
  binary,
  bool,
  float32,
  float64,
  inNullableColumn,
  int64,
  list,
  optional,
  uint16,
  uint32,
  uint8,
  utf8,
} from "../field.ts";
import { header, type WithHeader } from "./header.ts";
import { builtin, type FieldsOf, items, nested } from "./table.ts";

/** How a laser scanner sweeps: beam `i` points at `angle_min + i * angle_increment` about z, 0 being along x. */
export interface LaserSweep extends WithHeader {
  /** Angle of the first beam, in rad. */
  angle_min: number;
  /** Angle of the last beam, in rad. */
  angle_max: number;
  /** Angle from one beam to the next, in rad; negative for a clockwise sweep. */
  angle_increment: number;
  /** Time from one beam to the next, in s. */
  time_increment: number;
  /** Time from one scan to the next, in s. */
  scan_time: number;
  /** Smallest distance that counts, in m. */
  range_min: number;
  /** Largest distance that counts, in m. */
  range_max: number;
}

/** One sweep of a laser scanner with one distance per beam. */
export interface LaserScan extends LaserSweep {
  /** Distances by beam, in m; those outside `range_min` to `range_max` do not count. */
  ranges: Float32Array;
  /** Strengths of the returns by beam, in the scanner's own unit. */
  intensities?: Float32Array;
}

/** The ontology `LaserScan`. */
export const LaserScan: DefinedOntology<LaserScan> = /* @__PURE__ */ builtin("LaserScan", () => ({
  ...laserSweep(),
  ranges: items(
    float32(),
    "range data in meters. Ranges need to be between range min and max otherwise discarded.",
  ),
  intensities: optional(items(float32(), "intensity data.")),
}));

/** One sweep of a laser scanner with any number of returns per beam, nearest first. */
export interface MultiEchoLaserScan extends LaserSweep {
  /** Distances by beam and return, in m; those outside `range_min` to `range_max` do not count. */
  ranges: Float32Array[];
  /** Strengths by beam and return, in the scanner's own unit. */
  intensities?: Float32Array[];
}

/** The ontology `MultiEchoLaserScan`. */
export const MultiEchoLaserScan: DefinedOntology<MultiEchoLaserScan> = /* @__PURE__ */ builtin(
  "MultiEchoLaserScan",
  () => ({
    ...laserSweep(),
    ranges: items(
      list(inNullableColumn(float32())),
      "range data in meters. Ranges need to be between range min and max otherwise discarded.",
    ),
    intensities: optional(items(list(inNullableColumn(float32())), "intensity data.")),
  }),
);

/** A scan of a lidar, one item per point in every list. */
export interface Lidar extends WithHeader {
  /** Positions along x, in m. */
  x: Float32Array;
  /** Positions along y, in m. */
  y: Float32Array;
  /** Positions along z, in m. */
  z: Float32Array;
  /** Strengths of the returns, in the sensor's own unit. */
  intensity?: Float32Array;
  /** Reflectivities of the surfaces, whatever their distance, on the sensor's own scale. */
  reflectivity?: Uint16Array;
  /** Index of the laser (ring, channel) that each point comes from. */
  beam_id?: Uint16Array;
  /** Distances from the sensor, in m. */
  range?: Float32Array;
  /** Ambient light in the near infrared, in the sensor's own unit. */
  near_ir?: Float32Array;
  /** Horizontal angles, in rad. */
  azimuth?: Float32Array;
  /** Vertical angles, in rad. */
  elevation?: Float32Array;
  /** Validity or confidence of each point, as the sensor's own flags. */
  confidence?: Uint8Array;
  /** Which return of the pulse each point is (first, last, strongest), by the sensor's own code. */
  return_type?: Uint8Array;
  /** Times since the start of the scan, in s. */
  point_timestamp?: Float64Array;
}

/** The ontology `Lidar`. */
export const Lidar: DefinedOntology<Lidar> = /* @__PURE__ */ builtin("Lidar", () => ({
  ...header(),
  x: items(float32(), "x coordinates in meters"),
  y: items(float32(), "y coordinates in meters"),
  z: items(float32(), "z coordinates in meters"),
  intensity: optional(items(float32(), "Surface reflectivity per point.")),
  reflectivity: optional(items(uint16(), "Surface reflectivity per point.")),
  beam_id: optional(
    items(uint16(), "Laser beam index (ring / channel / line) that fired each point."),
  ),
  range: optional(items(float32(), "Distance from the sensor origin to each point, in meters.")),
  near_ir: optional(items(float32(), "Near-infrared ambient light reading per point.")),
  azimuth: optional(items(float32(), "Horizontal (azimuth) angle of each point in radians.")),
  elevation: optional(items(float32(), "Vertical (elevation) angle of each point in radians.")),
  confidence: optional(items(uint8(), "Per-point validity or confidence flags.")),
  return_type: optional(items(uint8(), "Single/dual return classification per point.")),
  point_timestamp: optional(
    items(float64(), "Per-point acquisition time offset from the scan start, in seconds."),
  ),
}));

/** A scan of a radar, one item per detection in every list. */
export interface Radar extends WithHeader {
  /** Positions along x, in m. */
  x: Float32Array;
  /** Positions along y, in m. */
  y: Float32Array;
  /** Positions along z, in m. */
  z: Float32Array;
  /** Distances from the sensor, in m. */
  range?: Float32Array;
  /** Horizontal angles, in rad; 0 is straight ahead. */
  azimuth?: Float32Array;
  /** Vertical angles, in rad; positive is up. */
  elevation?: Float32Array;
  /** Radar cross sections, in dBm as the SDK has it (dBsm, decibels over 1 m^2, with most sensors). */
  rcs?: Float32Array;
  /** Signal to noise ratios, in dB. */
  snr?: Float32Array;
  /** Velocities along the line of sight, in m/s; positive is away from the sensor. */
  doppler_velocity?: Float32Array;
  /** Velocities along x, in m/s. */
  vx?: Float32Array;
  /** Velocities along y, in m/s. */
  vy?: Float32Array;
  /** Velocities along x without the sensor's own motion, in m/s. */
  vx_comp?: Float32Array;
  /** Velocities along y without the sensor's own motion, in m/s. */
  vy_comp?: Float32Array;
  /** Accelerations along x, in m/s^2. */
  ax?: Float32Array;
  /** Accelerations along y, in m/s^2. */
  ay?: Float32Array;
  /** Speeds along the line of sight without sign, in m/s. */
  radial_speed?: Float32Array;
}

/** The ontology `Radar`. */
export const Radar: DefinedOntology<Radar> = /* @__PURE__ */ builtin("Radar", () => ({
  ...header(),
  x: items(float32(), "x coordinates in meters."),
  y: items(float32(), "y coordinates in meters."),
  z: items(float32(), "z coordinates in meters."),
  range: optional(items(float32(), "radial distance in meters.")),
  azimuth: optional(items(float32(), "azimuth angle in radians.")),
  elevation: optional(items(float32(), "elevation angle in radians.")),
  rcs: optional(items(float32(), "radar cross section in dBm.")),
  snr: optional(items(float32(), "signal to noise ratio in dB.")),
  doppler_velocity: optional(items(float32(), "doppler velocity in m/s.")),
  vx: optional(items(float32(), "x velocity in m/s.")),
  vy: optional(items(float32(), "y velocity in m/s.")),
  vx_comp: optional(items(float32(), "x compensated velocity in m/s.")),
  vy_comp: optional(items(float32(), "y compensated velocity in m/s.")),
  ax: optional(items(float32(), "x acceleration in m/s^2.")),
  ay: optional(items(float32(), "y acceleration in m/s^2.")),
  radial_speed: optional(items(float32(), "radial speed in m/s.")),
}));

/** One value that each point of a {@linkcode PointCloud2} has. */
export interface PointField {
  /** What it is, such as `x` or `intensity`. */
  name: string;
  /** Where it begins within a point, in bytes. */
  offset: number;
  /** Type: 1 int8, 2 uint8, 3 int16, 4 uint16, 5 int32, 6 uint32, 7 float32, 8 float64. */
  datatype: bigint;
  /** How many of them there are, one after the other. */
  count: number;
}

/** The ontology `PointField`. */
export const PointField: DefinedOntology<PointField> = /* @__PURE__ */ builtin("PointField", () => ({
  name: utf8({ description: "Name of the field." }),
  offset: uint32({ description: "Staring position of the field." }),
  datatype: int64({ description: "Datatype of the field." }),
  count: uint32({ description: "Number of elements in the point field." }),
}));

/** A cloud of points as ROS packs it; `sensor_msgs/msg/PointCloud2`. */
export interface PointCloud2 extends WithHeader {
  /** Number of rows: 1 for a cloud without order. */
  height: number;
  /** Number of points in a row. */
  width: number;
  /** What a point holds. */
  fields: PointField[];
  /** Whether values of several bytes begin with the highest. */
  is_bigendian: boolean;
  /** Length of a point, in bytes. */
  point_step: number;
  /** Length of a row, in bytes. */
  row_step: number;
  /** The points, `row_step * height` bytes. */
  data: Uint8Array;
  /** Whether every point is valid. */
  is_dense: boolean;
}

/** The ontology `PointCloud2`. */
export const PointCloud2: DefinedOntology<PointCloud2> = /* @__PURE__ */ builtin("PointCloud2", () => ({
  ...header(),
  height: uint32({ description: "The height of the point cloud." }),
  width: uint32({ description: "The width of the point cloud." }),
  fields: items(nested(PointField), "The fields of the point cloud."),
  is_bigendian: bool({ description: "Whether the data is big-endian." }),
  point_step: uint32({ description: "Length of a point in bytes." }),
  row_step: uint32({ description: "Length of a row in bytes." }),
  data: binary({ description: "The point cloud data. Expected size: row_step * height bytes." }),
  is_dense: bool({ description: "True if there are no invalid points." }),
}));

function laserSweep(): FieldsOf<LaserSweep> {
  return {
    ...header(),
    angle_min: float32({ description: "start angle of the scan in rad." }),
    angle_max: float32({ description: "end angle of the scan in rad." }),
    angle_increment: float32({ description: "angular distance between measurements in rad." }),
    time_increment: float32({ description: "time between measurements in seconds." }),
    scan_time: float32({ description: "time between scans in seconds." }),
    range_min: float32({ description: "minimum range value in meters." }),
    range_max: float32({ description: "maximum range value in meters." }),
  };
}
