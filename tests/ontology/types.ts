/**
 * What the type checker has to accept and to refuse. Nothing here runs: `deno check` is the test.
 *
 * @module
 */
import { builtin, nested } from "../../src/ontology/builtin/table.ts";
import * as ontology from "../../src/ontology/builtin/mod.ts";
import type { CameraInfo, GPS, IMU, Point3d, Vector3d } from "../../src/ontology/builtin/mod.ts";
import { defineOntology, type Infer, type Ontology } from "../../src/ontology/define_ontology.ts";
import {
  bool,
  type FieldValues,
  fixedSizeList,
  float16,
  float64,
  int64,
  list,
  type MessageInput,
  type OntologyField,
  optional,
  struct,
  uint8,
  utf8,
} from "../../src/ontology/field.ts";

/** True where `A` and `B` are the same type, optional properties and all. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
function same<_ extends true>(): void {}

// What reading gives is the class's own interface.
same<Same<Infer<typeof ontology.GPS>, GPS>>();
same<Same<Infer<typeof ontology.IMU>, IMU>>();
same<Same<Infer<typeof ontology.String>, ontology.String>>();
same<Same<Infer<typeof ontology.Integer64>["data"], bigint>>();
same<Same<Infer<typeof ontology.Boolean>["data"], boolean>>();
same<Same<IMU["acceleration"], Vector3d>>();
same<Same<GPS["velocity"], Vector3d | undefined>>();
same<Same<Point3d["x"], number>>();
same<Same<CameraInfo["intrinsic_parameters"], Float64Array>>();
same<Same<ontology.Image["data"], Uint8Array>>();
// @ts-expect-error the types of two classes are not the same
same<Same<Infer<typeof ontology.GPS>, IMU>>();

export const latitude = (fix: GPS): string => fix.position.x.toFixed(2);
same<Same<ontology.RobotJoint["names"], string[]>>();
same<Same<ontology.MultiEchoLaserScan["ranges"], Float32Array[]>>();
same<Same<ontology.FrameTransform["transforms"], ontology.Transform[]>>();

// GPS: nested structs, optional ones, null for a missing value, safe integers for bigint.
export const fix: MessageInput<GPS> = {
  header: { timestamp: { seconds: 1, nanoseconds: 2 }, sample_counter: 7 },
  position: { x: 45.46, y: 9.19, z: 122, covariance: [1, 2, 3], covariance_type: null },
  velocity: null,
  status: { status: 0, service: 1, satellites: 9 },
};
// @ts-expect-error position is missing
export const nowhere: MessageInput<GPS> = {};
// @ts-expect-error position may not be null
export const nullPosition: MessageInput<GPS> = { position: null };
// @ts-expect-error no such field
export const extra: MessageInput<GPS> = { position: { x: 1, y: 2, z: 3 }, speed: 3 };
// @ts-expect-error a place has three coordinates
export const flatPosition: MessageInput<GPS> = { position: { x: 1, y: 2 } };
// @ts-expect-error none of which may be null
export const nullHeight: MessageInput<GPS> = { position: { x: 1, y: 2, z: null } };
// @ts-expect-error no such field within the struct
export const extraInside: MessageInput<GPS> = { position: { x: 1, y: 2, z: 3, lat: 1 } };
// @ts-expect-error a coordinate is a number
export const text: MessageInput<GPS> = { position: { x: "45", y: 2, z: 3 } };
// @ts-expect-error a message of another class
export const notAFix: MessageInput<GPS> = { data: "hello" } satisfies MessageInput<ontology.String>;
// @ts-expect-error an acceleration is a vector
export const flat: MessageInput<IMU> = { acceleration: 9.81, angular_velocity: { x: 0, y: 0, z: 0 } };

// Int64 is read as bigint alone, and pushed as either.
export const counted: MessageInput<ontology.Integer64> = { data: 5 };
export const countedExactly: MessageInput<ontology.Integer64> = { data: 2n ** 60n };
// @ts-expect-error what is read is no number
export const read: Infer<typeof ontology.Integer64> = { data: 5 };
// @ts-expect-error an int32 is no bigint
export const narrow: MessageInput<ontology.Integer32> = { data: 5n };

// Lists take anything with a length and indices, whatever they are read as.
const camera = {
  height: 480,
  width: 640,
  distortion_model: "plumb_bob",
  distortion_parameters: [],
  intrinsic_parameters: new Float64Array(9),
  rectification_parameters: new Float32Array(9),
  projection_parameters: Array.from({ length: 12 }, () => 0),
};
export const calibration: MessageInput<CameraInfo> = {
  ...camera,
  roi: { offset: { x: 1, y: 2 }, height: 1, width: 1 },
};
// @ts-expect-error a list of text
export const badCalibration: MessageInput<CameraInfo> = { ...camera, distortion_parameters: ["k1"] };
export const joints: MessageInput<ontology.RobotJoint> = {
  names: ["shoulder", "elbow"],
  positions: [0.5, 1],
  velocities: new Float64Array(2),
  efforts: [],
};
export const echoes: MessageInput<ontology.MultiEchoLaserScan>["ranges"] = [
  [1, 2.5],
  new Float32Array(1),
  [],
];
// @ts-expect-error every beam has a list
export const noEchoes: MessageInput<ontology.MultiEchoLaserScan>["ranges"] = [[1], null];

// A class's table has to match its interface, property by property.
interface Spot {
  at: Vector3d;
  size?: number;
}
export const Spot: Ontology<Spot> = builtin("Spot", () => ({
  at: nested(ontology.Vector3d),
  size: optional(float64()),
}));
// @ts-expect-error a field for size is missing
export const Short: Ontology<Spot> = builtin("Short", () => ({ at: nested(ontology.Vector3d) }));
export const Wrong: Ontology<Spot> = builtin("Wrong", () => ({
  at: nested(ontology.Vector3d),
  // @ts-expect-error size is optional
  size: float64(),
}));
const shared = { size: optional(float64()), colour: utf8() };
// @ts-expect-error colour is left over
export const Long: Ontology<Spot> = builtin("Long", () => ({ at: nested(ontology.Vector3d), ...shared }));

// A user's own: read types from the makers.
const Own = defineOntology("Own", {
  flag: bool(),
  bytes: list(uint8()),
  halves: list(float16()),
  corners: fixedSizeList(struct({ u: float64(), v: optional(int64()) }), 4),
  gaps: optional(list(optional(int64()))),
});
same<
  Same<Infer<typeof Own>, {
    flag: boolean;
    bytes: Uint8Array;
    halves: number[];
    corners: { u: number; v?: bigint | undefined }[];
    gaps?: BigInt64Array | (bigint | undefined)[];
  }>
>();
// Plain types at every depth.
same<
  Same<
    FieldValues<{ a: OntologyField<number, Float64Array>; b: OntologyField<string | undefined> }>,
    { a: number; b?: string | undefined }
  >
>();
export const corner: { u: number; v?: bigint } | undefined = ({} as Infer<typeof Own>).corners[0];
export const own: MessageInput<Infer<typeof Own>> = {
  flag: true,
  bytes: [1, 2],
  halves: new Float32Array(2),
  corners: [{ u: 1 }, { u: 2, v: 3 }, { u: 3, v: 4n }, { u: 4, v: null }],
  gaps: [1, 2n, null],
};
