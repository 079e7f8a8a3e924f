/**
 * PX4's usual messages -> the built-in classes.
 *
 * Source: the message definitions of PX4-Autopilot (msg/), of version 1.11 and later, whose fields have other names since 1.14.
 *
 * @module
 */
import * as ontology from "../../ontology/builtin/mod.ts";
import { childAt, type ColumnNode, isNumeric, numbersOf } from "./column_tree.ts";
import type { ColumnSource, ColumnSources } from "./convert.ts";
import type { ClassColumns, KnownMapping } from "./mapping.ts";

const to = (ontology: ClassColumns, sources: ColumnSources): KnownMapping => ({ ontology, sources });

/** The fields of a vector or quaternion from the items of an array. */
const items = (target: string, names: readonly string[], array: string, scale = 1): ColumnSources =>
  Object.fromEntries(names.map((name, i) => [`${target}${name}`, { field: `${array}[${i}]`, scale }]));

const XYZ = ["x", "y", "z"];
/** PX4 has the scalar part of a quaternion first. */
const WXYZ = ["w", "x", "y", "z"];

/** A field in the unit that it has had since PX4 1.14, or before. */
const either = (name: string, older: string, divisor: number): ColumnSource => (source: ColumnNode) => {
  const found = childAt(source, name);
  if (found) return found;
  const old = childAt(source, older);
  return old && isNumeric(old) ? divided(old, divisor) : undefined;
};

function divided(node: ColumnNode, divisor: number): ColumnNode {
  const values = Float64Array.from({ length: node.length }, () => 0);
  const from = numbersOf(node);
  for (let row = 0; row < values.length; row++) values[row] = Number(from[row]) / divisor;
  return { ...node, type: { kind: "float", bits: 64 }, values: new Uint8Array(values.buffer) };
}

/** By the message's name. */
export const PX4_ONTOLOGIES: Readonly<Record<string, KnownMapping>> = {
  sensor_combined: to(ontology.IMU, {
    ...items("acceleration.", XYZ, "accelerometer_m_s2"),
    ...items("angular_velocity.", XYZ, "gyro_rad"),
  }),
  vehicle_attitude: to(ontology.Quaternion, items("", WXYZ, "q")),
  vehicle_gps_position: to(ontology.GPS, gps()),
  sensor_gps: to(ontology.GPS, gps()),
  vehicle_global_position: to(ontology.GPS, {
    "position.x": "lat",
    "position.y": "lon",
    "position.z": "alt",
  }),
  vehicle_magnetometer: to(ontology.Magnetometer, items("magnetic_field.", XYZ, "magnetometer_ga", 100)),
  vehicle_air_data: to(ontology.Pressure, { value: "baro_pressure_pa" }),
};

function gps(): ColumnSources {
  return {
    "position.x": either("latitude_deg", "lat", 1e7),
    "position.y": either("longitude_deg", "lon", 1e7),
    "position.z": either("altitude_msl_m", "alt", 1e3),
    "velocity.x": "vel_n_m_s",
    "velocity.y": "vel_e_m_s",
    "velocity.z": { field: "vel_d_m_s", scale: -1 },
    "status.status": "fix_type",
    "status.satellites": "satellites_used",
    "status.hdop": "hdop",
    "status.vdop": "vdop",
    "status.service": { field: "fix_type", scale: 0, offset: 1 },
  };
}
