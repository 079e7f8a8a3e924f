/**
 * Places, directions and orientations. Axes are right-handed, lengths in metres, unless the class that
 * contains them says otherwise.
 *
 * @module
 */
import type { DefinedOntology } from "../define_ontology.ts";
import { float64, inNullableColumn, type OntologyField, optional, utf8 } from "../field.ts";
import { covariance, header, type WithCovariance, type WithHeader } from "./header.ts";
import { builtin, type FieldsOf, items, nested } from "./table.ts";

/** A direction with a length in the plane, such as a velocity or a force, in the unit of that quantity. */
export interface Vector2d extends WithHeader, WithCovariance {
  /** Component along x. */
  x: number;
  /** Component along y. */
  y: number;
}

/** The ontology `Vector2d`. */
export const Vector2d: DefinedOntology<Vector2d> = /* @__PURE__ */ builtin("Vector2d", xy);

/** A direction with a length in space, such as a velocity or a force, in the unit of that quantity. */
export interface Vector3d extends WithHeader, WithCovariance {
  /** Component along x. */
  x: number;
  /** Component along y. */
  y: number;
  /** Component along z. */
  z: number;
}

/** The ontology `Vector3d`. */
export const Vector3d: DefinedOntology<Vector3d> = /* @__PURE__ */ builtin("Vector3d", xyz);

/** Four components of one quantity, in its unit. */
export interface Vector4d extends WithHeader, WithCovariance {
  /** First component. */
  x: number;
  /** Second component. */
  y: number;
  /** Third component. */
  z: number;
  /** Fourth component. */
  w: number;
}

/** The ontology `Vector4d`. */
export const Vector4d: DefinedOntology<Vector4d> = /* @__PURE__ */ builtin("Vector4d", xyzw);

/** A place in the plane. */
export interface Point2d extends WithHeader, WithCovariance {
  /** Coordinate along x, in m. */
  x: number;
  /** Coordinate along y, in m. */
  y: number;
}

/** The ontology `Point2d`. */
export const Point2d: DefinedOntology<Point2d> = /* @__PURE__ */ builtin("Point2d", xy);

/** A place in space. */
export interface Point3d extends WithHeader, WithCovariance {
  /** Coordinate along x, in m; latitude in degrees where it is a position on the globe. */
  x: number;
  /** Coordinate along y, in m; longitude in degrees where it is a position on the globe. */
  y: number;
  /** Coordinate along z, in m; altitude in m where it is a position on the globe. */
  z: number;
}

/** The ontology `Point3d`. */
export const Point3d: DefinedOntology<Point3d> = /* @__PURE__ */ builtin("Point3d", xyz);

/** An orientation or rotation in space as a unit quaternion, w being the scalar part. No units. */
export interface Quaternion extends WithHeader, WithCovariance {
  /** Vector part along x: x of the axis times sin(angle / 2). */
  x: number;
  /** Vector part along y: y of the axis times sin(angle / 2). */
  y: number;
  /** Vector part along z: z of the axis times sin(angle / 2). */
  z: number;
  /** Scalar part: cos(angle / 2). */
  w: number;
}

/** The ontology `Quaternion`. */
export const Quaternion: DefinedOntology<Quaternion> = /* @__PURE__ */ builtin("Quaternion", xyzw);

/** Where something is and how it is turned, in the frame of its header. */
export interface Pose extends WithHeader, WithCovariance {
  /** Where it is, in m. */
  position: Point3d;
  /** How it is turned. */
  orientation: Quaternion;
}

/** The ontology `Pose`. */
export const Pose: DefinedOntology<Pose> = /* @__PURE__ */ builtin("Pose", () => ({
  ...header(),
  ...covariance(),
  position: nested(Point3d, "3D position vector."),
  orientation: nested(Quaternion, "Quaternion representing rotation."),
}));

/** How one coordinate frame lies in another: takes points of the target frame to the frame of its header. */
export interface Transform extends WithHeader, WithCovariance {
  /** Origin of the target frame in the header's, in m. */
  translation: Vector3d;
  /** Orientation of the target frame in the header's. */
  rotation: Quaternion;
  /** Name of the frame that is placed; `child_frame_id` in ROS. */
  target_frame_id?: string;
}

/** The ontology `Transform`. */
export const Transform: DefinedOntology<Transform> = /* @__PURE__ */ builtin("Transform", () => ({
  ...header(),
  ...covariance(),
  translation: nested(Vector3d, "3D translation vector."),
  rotation: nested(Quaternion, "Quaternion representing rotation."),
  target_frame_id: optional(utf8({ description: "Target frame identifier." })),
}));

/** Several transforms that were told at once; `tf2_msgs/msg/TFMessage` in ROS. */
export interface FrameTransform {
  /** The transforms, in no order. */
  transforms: Transform[];
}

/** The ontology `FrameTransform`. */
export const FrameTransform: DefinedOntology<FrameTransform> = /* @__PURE__ */ builtin(
  "FrameTransform",
  () => ({
    transforms: items(nested(Transform), "List of coordinate frames transformations."),
  }),
);

/** A polygon in space. */
export interface Polygon extends WithHeader {
  /** The vertices in order around it, in m; the last is joined to the first. */
  points: Point3d[];
}

/** The ontology `Polygon`. */
export const Polygon: DefinedOntology<Polygon> = /* @__PURE__ */ builtin("Polygon", () => ({
  ...header(),
  points: items(nested(Point3d), "List of polygon vertices as 3D points."),
}));

// Components are in nullable columns, as in the SDK: so a missing struct reads back as missing.
function component(name: string): OntologyField<number, Float64Array> {
  return inNullableColumn(float64({ description: `Vector ${name} component.` }));
}

function xy(): FieldsOf<Vector2d> {
  return { ...header(), ...covariance(), x: component("x"), y: component("y") };
}

function xyz(): FieldsOf<Vector3d> {
  return { ...xy(), z: component("z") };
}

function xyzw(): FieldsOf<Vector4d> {
  return { ...xyz(), w: component("w") };
}
