/**
 * The built-in message classes: those of Mosaico, with its names, columns and descriptions. Each name is a value, the
 * ontology, and a type, the data of its messages.
 *
 * `Boolean`, `Image`, `Range` and `String` would hide a global, so outside they are reached through the namespace:
 * `ontology.String`.
 *
 * @module
 */
export { Duration, Header, Time, type WithCovariance, type WithHeader, type WithVariance } from "./header.ts";
export {
  Boolean,
  Floating16,
  Floating32,
  Floating64,
  Integer16,
  Integer32,
  Integer64,
  Integer8,
  String,
  Unsigned16,
  Unsigned32,
  Unsigned64,
  Unsigned8,
} from "./primitives.ts";
export {
  FrameTransform,
  Point2d,
  Point3d,
  Polygon,
  Pose,
  Quaternion,
  Transform,
  Vector2d,
  Vector3d,
  Vector4d,
} from "./geometry.ts";
export { Acceleration, ForceTorque, Inertia, MotionState, Velocity } from "./motion.ts";
export { GPS, GPSStatus, IMU, Magnetometer, NMEASentence, Pressure, Range, Temperature } from "./sensors.ts";
export {
  CameraInfo,
  CompressedImage,
  type DepthPoints,
  Image,
  RGBDCamera,
  ROI,
  StereoCamera,
  ToFCamera,
} from "./vision.ts";
export {
  LaserScan,
  type LaserSweep,
  Lidar,
  MultiEchoLaserScan,
  PointCloud2,
  PointField,
  Radar,
} from "./scans.ts";
export { GridCells, MapMetadata, OccupancyGrid, RobotPath } from "./navigation.ts";
export { BatteryState, Joy, RobotJoint } from "./robot.ts";
export { ALL } from "./all.ts";
