/**
 * How bodies move, and what moves them.
 *
 * @module
 */
import type { DefinedOntology } from "../define_ontology.ts";
import { fixedSizeList, float64, inNullableColumn, optional, utf8 } from "../field.ts";
import { Pose, Vector3d } from "./geometry.ts";
import { covariance, header, type WithCovariance, type WithHeader } from "./header.ts";
import { builtin, nested } from "./table.ts";

/** Linear and angular velocity; a twist in ROS. Its covariance is 6 by 6: linear, then angular. */
export interface Velocity extends WithHeader, WithCovariance {
  /** Linear velocity, in m/s. */
  linear?: Vector3d;
  /** Angular velocity about the axes, in rad/s. */
  angular?: Vector3d;
}

/** The ontology `Velocity`. */
export const Velocity: DefinedOntology<Velocity> = /* @__PURE__ */ builtin("Velocity", () => ({
  ...header(),
  ...covariance(),
  linear: optional(nested(Vector3d, "3D linear velocity vector.")),
  angular: optional(nested(Vector3d, "3D angular velocity vector.")),
}));

/** Linear and angular acceleration. Its covariance is 6 by 6: linear, then angular. */
export interface Acceleration extends WithHeader, WithCovariance {
  /** Linear acceleration, in m/s^2. */
  linear?: Vector3d;
  /** Angular acceleration about the axes, in rad/s^2. */
  angular?: Vector3d;
}

/** The ontology `Acceleration`. */
export const Acceleration: DefinedOntology<Acceleration> = /* @__PURE__ */ builtin("Acceleration", () => ({
  ...header(),
  ...covariance(),
  linear: optional(nested(Vector3d, "3D linear acceleration vector.")),
  angular: optional(nested(Vector3d, "3D angular acceleration vector.")),
}));

/** The whole state of a moving body at one time, as an estimator or a simulator gives it; odometry in ROS. */
export interface MotionState extends WithHeader, WithCovariance {
  /** Pose of the target frame in the header's, in m. */
  pose: Pose;
  /** Velocity, in m/s and rad/s. */
  velocity: Velocity;
  /** Name of the frame that moves with the body; `child_frame_id` in ROS. */
  target_frame_id: string;
  /** Acceleration, in m/s^2 and rad/s^2. */
  acceleration?: Acceleration;
}

/** The ontology `MotionState`. */
export const MotionState: DefinedOntology<MotionState> = /* @__PURE__ */ builtin("MotionState", () => ({
  ...header(),
  ...covariance(),
  pose: nested(Pose, "6D pose with optional time and covariance info."),
  velocity: nested(Velocity, "6D velocity with optional time and covariance info."),
  target_frame_id: utf8({ description: "Target frame identifier." }),
  acceleration: optional(nested(Acceleration, "6D acceleration with optional time and covariance info.")),
}));

/** Force and torque on a body at the origin of the header's frame; a wrench in ROS. */
export interface ForceTorque extends WithHeader, WithCovariance {
  /** Force, in N. */
  force: Vector3d;
  /** Torque about the axes, in N m. */
  torque: Vector3d;
}

/** The ontology `ForceTorque`. */
export const ForceTorque: DefinedOntology<ForceTorque> = /* @__PURE__ */ builtin("ForceTorque", () => ({
  ...header(),
  ...covariance(),
  force: nested(Vector3d, "3D linear force."),
  torque: nested(Vector3d, "3D torque vector."),
}));

/** Mass of a rigid body and how it is spread. */
export interface Inertia extends WithHeader {
  /** Mass, in kg. */
  mass: number;
  /** Centre of mass, in m. */
  center_of_mass: Vector3d;
  /** Inertia tensor about the centre of mass, in kg m^2: six numbers, ixx, ixy, ixz, iyy, iyz, izz. */
  inertia: Float64Array;
}

/** The ontology `Inertia`. */
export const Inertia: DefinedOntology<Inertia> = /* @__PURE__ */ builtin("Inertia", () => ({
  ...header(),
  mass: float64({ description: "Mass of the object." }),
  center_of_mass: nested(Vector3d, "Center of mass of the object."),
  inertia: fixedSizeList(inNullableColumn(float64()), 6, {
    description: "Inertia tensor components [ixx, ixy, ixz, iyy, iyz, izz].",
  }),
}));
