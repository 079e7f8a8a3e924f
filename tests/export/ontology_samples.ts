/**
 * Messages of the built-in classes whose every value is another, with all that a type of ROS has a place for.
 *
 * @module
 */
import { definitionsOf } from "../../src/import/ros/ros_definitions.ts";
import type { Ontology } from "../../src/ontology/define_ontology.ts";
import { type FieldSchema, isOptional } from "../../src/schema.ts";

/** A class, whatever its data. */
// deno-lint-ignore no-explicit-any -- whatever their data
export type AnyOntology = Ontology<any>;

/** Covariances that types have in fields, by the class's names for these; others have that of their name, or none. */
const COVARIANCES: Readonly<Record<string, readonly string[]>> = {
  "nav_msgs/Odometry": ["pose", "velocity"],
  "sensor_msgs/Imu": ["acceleration", "angular_velocity", "orientation"],
  "sensor_msgs/MagneticField": ["magnetic_field"],
  "sensor_msgs/NavSatFix": ["position"],
};

/** Fields of classes that a type has no place for, beside headers, covariances and their kinds. */
const WITHOUT: Readonly<Record<string, readonly string[]>> = {
  "geometry_msgs/Transform": ["target_frame_id"],
  "nav_msgs/Odometry": ["acceleration"],
  "sensor_msgs/NavSatFix": ["velocity", "status.satellites", "status.hdop", "status.vdop"],
  "sensor_msgs/NavSatStatus": ["satellites", "hdop", "vdop"],
};

/** Counts of pixels, which are whole though the class has floats for them. */
const WHOLE = /(offset|binning)\.[xy]$/;

/** A type of a point's field. */
const FLOAT32 = 7;

/** Pictures, whose values have to fit each other. */
const PICTURES: Readonly<Record<string, object>> = {
  Image: {
    format: "raw",
    encoding: "mono8",
    width: 2,
    height: 2,
    stride: 3,
    data: Uint8Array.of(1, 2, 0, 3, 4, 0),
  },
  CompressedImage: { format: "jpeg" },
};

/** Makes the data of messages. */
export class Samples {
  #serial = 0;

  /** Data of a class with all that a type of ROS has a place for, or with no more than must be. */
  of({ tag, fields }: AnyOntology, type: string, isWhole = true): object {
    return { ...this.#row(fields, (path) => !isHeld(type, path), "", isWhole), ...PICTURES[tag] };
  }

  #row(fields: readonly FieldSchema[], skip: (path: string) => boolean, path: string, isWhole: boolean) {
    const row: Record<string, unknown> = {};
    for (const field of fields) {
      const at = path === "" ? field.name : `${path}.${field.name}`;
      if (skip(at) || !isWhole && isOptional(field)) continue;
      row[field.name] = this.#value(field, skip, at, isWhole);
    }
    return row;
  }

  #value(
    { type, children }: FieldSchema,
    skip: (path: string) => boolean,
    path: string,
    isWhole: boolean,
  ): unknown {
    const serial = ++this.#serial;
    switch (type.kind) {
      case "bool":
        return true;
      case "int":
        if (path.endsWith("datatype")) return FLOAT32;
        return type.bits === 64 ? 2n ** 62n + BigInt(serial) : 1 + serial % 127;
      case "float":
        return WHOLE.test(path) ? 2 + serial : serial + 0.5;
      case "utf8":
        return `tëxt ${serial}`;
      case "binary":
        return Uint8Array.of(0, serial % 256, 255);
      case "struct":
        return this.#row(children, skip, path, isWhole);
      default: {
        const length = type.kind === "fixedList" ? type.size : lengthAt(path);
        return Array.from({ length }, () => this.#value(children[0], skip, `${path}[]`, isWhole));
      }
    }
  }
}

/** Whether a type of ROS has a place for a field of its class. */
function isHeld(type: string, path: string): boolean {
  if (WITHOUT[type]?.includes(path)) return false;
  const at = path.lastIndexOf(".");
  const [owner, name] = [path.slice(0, Math.max(0, at)), path.slice(at + 1)];
  switch (name) {
    case "sample_counter":
    case "variance_type":
      return false;
    case "covariance_type":
      return type === "sensor_msgs/NavSatFix" && owner === "position";
    case "covariance":
      return owner === "" ? type.includes("WithCovariance") : COVARIANCES[type]?.includes(owner) ?? false;
    case "header":
      return owner === "" ? hasHeader(type) : ["poses[]", "transforms[]"].includes(owner);
    default:
      return true;
  }
}

/** Whether messages of a type begin with a header. */
export function hasHeader(type: string): boolean {
  return /^std_msgs\/Header header/m.test(definitionsOf(type)[0] ?? "std_msgs/Header header");
}

/** How many items a list has: those of covariances are as many as the matrix of its place has. */
function lengthAt(path: string): number {
  if (!path.endsWith("covariance")) return 2;
  return path === "covariance" || /^(pose|velocity)\./.test(path) ? 36 : 9;
}
