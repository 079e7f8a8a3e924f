/**
 * Sensors that give a vector or a value at a time: inertial, magnetic, satellite, range and weather.
 *
 * @module
 */
import type { DefinedOntology } from "../define_ontology.ts";
import { float32, float64, int8, optional, uint16, uint8, utf8 } from "../field.ts";
import { Point3d, Quaternion, Vector3d } from "./geometry.ts";
import { header, variance, type WithHeader, type WithVariance } from "./header.ts";
import { builtin, nested } from "./table.ts";

/** An inertial measurement unit: accelerometer and gyroscope, and the orientation where it is estimated. */
export interface IMU extends WithHeader {
  /** Linear acceleration, gravity included where the sensor feels it, in m/s^2. */
  acceleration: Vector3d;
  /** Angular velocity about the axes, in rad/s. */
  angular_velocity: Vector3d;
  /** Estimated orientation. */
  orientation?: Quaternion;
}

/** The ontology `IMU`. */
export const IMU: DefinedOntology<IMU> = /* @__PURE__ */ builtin("IMU", () => ({
  ...header(),
  acceleration: nested(Vector3d, "Linear acceleration vector [ax, ay, az] in m/s^2."),
  angular_velocity: nested(Vector3d, "Angular velocity vector [wx, wy, wz] in rad/s."),
  orientation: optional(nested(Quaternion, "Estimated orientation [qx, qy, qz, qw].")),
}));

/** A magnetometer. */
export interface Magnetometer extends WithHeader {
  /** Magnetic field, in uT. The SDK imports it from ROS unconverted, in T. */
  magnetic_field: Vector3d;
}

/** The ontology `Magnetometer`. */
export const Magnetometer: DefinedOntology<Magnetometer> = /* @__PURE__ */ builtin("Magnetometer", () => ({
  ...header(),
  magnetic_field: nested(Vector3d, "Magnetic field vector [mx, my, mz] in microTesla."),
}));

/** How good a satellite receiver's fix is, and where it comes from. */
export interface GPSStatus {
  /** Kind of fix; in ROS -1 none, 0 unaugmented, 1 with satellite-based, 2 with ground-based augmentation. */
  status: number;
  /** Systems that contribute, as bits; in ROS 1 GPS, 2 GLONASS, 4 BeiDou, 8 Galileo. */
  service: number;
  /** Number of satellites visible or used. */
  satellites?: number;
  /** Horizontal dilution of precision, no unit: lower is better. */
  hdop?: number;
  /** Vertical dilution of precision, no unit: lower is better. */
  vdop?: number;
}

/** The ontology `GPSStatus`. */
export const GPSStatus: DefinedOntology<GPSStatus> = /* @__PURE__ */ builtin("GPSStatus", () => ({
  status: int8({ description: "Fix status." }),
  service: uint16({ description: "Service used (GPS, GLONASS, etc)." }),
  satellites: optional(int8({ description: "Satellites visible/used." })),
  hdop: optional(float64({ description: "Horizontal Dilution of Precision." })),
  vdop: optional(float64({ description: "Vertical Dilution of Precision." })),
}));

/** A position fix of a satellite receiver. */
export interface GPS extends WithHeader {
  /** Position in WGS 84: x latitude and y longitude in degrees, z altitude above the ellipsoid in m. */
  position: Point3d;
  /** Velocity, in m/s: x north, y east, z along the altitude. */
  velocity?: Vector3d;
  /** How good the fix is. */
  status?: GPSStatus;
}

/** The ontology `GPS`. */
export const GPS: DefinedOntology<GPS> = /* @__PURE__ */ builtin("GPS", () => ({
  ...header(),
  position: nested(Point3d, "Lat/Lon/Alt (WGS 84)."),
  velocity: optional(nested(Vector3d, "Velocity vector [North, East, Alt] m/s.")),
  status: optional(nested(GPSStatus, "Receiver status info.")),
}));

/** What a satellite receiver says, as it says it. */
export interface NMEASentence extends WithHeader {
  /** One NMEA 0183 sentence, from `$` to the checksum. */
  sentence: string;
}

/** The ontology `NMEASentence`. */
export const NMEASentence: DefinedOntology<NMEASentence> = /* @__PURE__ */ builtin("NMEASentence", () => ({
  ...header(),
  sentence: utf8({ description: "Raw ASCII sentence." }),
}));

/** A pressure sensor or barometer. */
export interface Pressure extends WithVariance, WithHeader {
  /** Absolute pressure, in Pa. */
  value: number;
}

/** The ontology `Pressure`. */
export const Pressure: DefinedOntology<Pressure> = /* @__PURE__ */ builtin("Pressure", () => ({
  ...variance(),
  ...header(),
  value: float64({ description: "The absolute pressure reading from the sensor in Pascals." }),
}));

/** A thermometer. */
export interface Temperature extends WithVariance, WithHeader {
  /** Temperature, in K. */
  value: number;
}

/** The ontology `Temperature`. */
export const Temperature: DefinedOntology<Temperature> = /* @__PURE__ */ builtin("Temperature", () => ({
  ...variance(),
  ...header(),
  value: float64({ description: "Temperature value in Kelvin." }),
}));

/**
 * A sensor that measures one distance, such as a sonar. Where both limits are the same it tells only whether
 * something is nearer.
 */
export interface Range extends WithVariance, WithHeader {
  /** What the sensor sends out; in ROS 0 ultrasound, 1 infrared. */
  radiation_type: number;
  /** Arc over which the distance is valid, in rad. */
  field_of_view: number;
  /** Smallest distance that counts, in m. */
  min_range: number;
  /** Largest distance that counts, in m. */
  max_range: number;
  /** The distance, in m. */
  range: number;
}

/** The ontology `Range`. */
export const Range: DefinedOntology<Range> = /* @__PURE__ */ builtin("Range", () => ({
  ...variance(),
  ...header(),
  radiation_type: uint8({ description: "Which type of radiation the sensor used." }),
  field_of_view: float32({
    description: "The arc angle, in radians, over which the distance reading is valid.",
  }),
  min_range: float32({
    description:
      "Minimum range value in meters. Fixed distance means that the minimum rangemust be equal to the maximum range.",
  }),
  max_range: float32({
    description:
      "Maximum range value in meters. Fixed distance means that the minimum rangemust be equal to the maximum range.",
  }),
  range: float32({ description: "Range value in meters." }),
}));
