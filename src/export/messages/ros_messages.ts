/**
 * The built-in classes as messages of ROS 2: what an import with `ontology` makes of those, turned round.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import type { MessageData } from "../../read/merge/message.ts";

/** Makes a message of a class's data. What it leaves out is zero, or nothing. */
export type MakeMessage = (data: MessageData) => object;

const time = (value: MessageData | undefined) => value && { sec: value.seconds, nanosec: value.nanoseconds };
const headerOf = (value: MessageData | undefined) =>
  value && { stamp: time(value.timestamp), frame_id: value.frame_id };
const each = (values: Iterable<MessageData> | undefined, make: MakeMessage) =>
  values && Array.from(values, make);

/** A message after a header. */
const stamped = (name: string, make: MakeMessage): MakeMessage => (data) => ({
  header: headerOf(data.header),
  [name]: make(data),
});
const withCovariance = (name: string, make: MakeMessage): MakeMessage => (data) => ({
  [name]: make(data),
  covariance: data.covariance,
});

/** A type, the same after a header, and both with their covariance. */
function family(type: string, name: string, make: MakeMessage): [type: string, make: MakeMessage][] {
  const both = withCovariance(name, make);
  return [
    [type, make],
    [`${type}Stamped`, stamped(name, make)],
    [`${type}WithCovariance`, both],
    [`${type}WithCovarianceStamped`, stamped(name, both)],
  ];
}

const itself: MakeMessage = (data) => data;
/** Fields of the class's own names, after a header. */
const measured = (...names: string[]): MakeMessage => (data) => ({
  header: headerOf(data.header),
  ...Object.fromEntries(names.map((name) => [name, data[name]])),
});

const inertia: MakeMessage = ({ mass, center_of_mass: com, inertia = [] }) => {
  const [ixx, ixy, ixz, iyy, iyz, izz] = inertia;
  return { m: mass, com, ixx, ixy, ixz, iyy, iyz, izz };
};
const transform: MakeMessage = (data) => ({
  header: headerOf(data.header),
  child_frame_id: data.target_frame_id,
  transform: data,
});
const mapMetaData: MakeMessage = (data) => ({
  map_load_time: time(data.map_load_time),
  resolution: data.resolution,
  width: data.width,
  height: data.height,
  origin: data.origin,
});
const region: MakeMessage = (data) => ({
  x_offset: data.offset?.x,
  y_offset: data.offset?.y,
  height: data.height,
  width: data.width,
  do_rectify: data.do_rectify,
});
/** What is not known is -1 in front of a covariance, as ROS has it. */
const UNKNOWN = [-1, 0, 0, 0, 0, 0, 0, 0, 0];
/** What has no fix is -1; less is what is not known. */
const NO_STATUS = { status: -2 };
const SCAN = [
  "angle_min",
  "angle_max",
  "angle_increment",
  "time_increment",
  "scan_time",
  "range_min",
  "range_max",
];
/** Of a battery these are NaN where they are not known. */
const BATTERY = ["temperature", "current", "charge", "capacity", "design_capacity"];
const battery = measured(
  "voltage",
  "percentage",
  "power_supply_status",
  "power_supply_health",
  "power_supply_technology",
  "present",
  "cell_voltage",
  "cell_temperature",
  "location",
  "serial_number",
);
const KELVIN = 273.15;

/** An image of one kind: a topic of ROS has one type, and compressed ones are of another than those that are not. */
const imageIn = (isRaw: boolean, make: MakeMessage): MakeMessage => (data) => {
  if (isRawImage(data) === isRaw) return make(data);
  const wanted = isRaw ? "raw ones as the first" : "compressed ones as the first";
  throw new SmaltiError("UNSUPPORTED", `Cannot write an image in format "${data.format}": wanted ${wanted}`);
};

/** Whether an image's data are its pixels. */
export function isRawImage({ format }: MessageData): boolean {
  return format === undefined || format === "raw";
}

/** Messages of `Image` by the type that they become. */
export const IMAGE_MESSAGES: Readonly<Record<"raw" | "compressed", { type: string; make: MakeMessage }>> = {
  raw: {
    type: "sensor_msgs/Image",
    make: imageIn(true, (data) => ({
      ...measured("height", "width", "encoding", "is_bigendian", "data")(data),
      step: data.stride,
    })),
  },
  compressed: {
    type: "sensor_msgs/CompressedImage",
    make: imageIn(false, measured("format", "data")),
  },
};

/** By the type's name without `/msg`. */
export const ROS_MESSAGES: ReadonlyMap<string, MakeMessage> = new Map<string, MakeMessage>([
  ...[
    "Bool",
    "Float32",
    "Float64",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "String",
  ]
    .map((name): [string, MakeMessage] => [`std_msgs/${name}`, itself]),
  ["builtin_interfaces/Duration", (data) => time(data)!],
  ["builtin_interfaces/Time", (data) => time(data)!],
  ["std_msgs/Header", (data) => headerOf(data)!],
  ...family("geometry_msgs/Accel", "accel", itself),
  ["geometry_msgs/Inertia", inertia],
  ["geometry_msgs/InertiaStamped", stamped("inertia", inertia)],
  ["geometry_msgs/Point", itself],
  ["geometry_msgs/Point32", itself],
  ["geometry_msgs/PointStamped", stamped("point", itself)],
  ["geometry_msgs/Polygon", itself],
  ["geometry_msgs/PolygonStamped", stamped("polygon", itself)],
  ...family("geometry_msgs/Pose", "pose", itself),
  ["geometry_msgs/Quaternion", itself],
  ["geometry_msgs/QuaternionStamped", stamped("quaternion", itself)],
  ["geometry_msgs/Transform", itself],
  ["geometry_msgs/TransformStamped", transform],
  ...family("geometry_msgs/Twist", "twist", itself),
  ["geometry_msgs/Vector3", itself],
  ["geometry_msgs/Vector3Stamped", stamped("vector", itself)],
  ["geometry_msgs/Wrench", itself],
  ["geometry_msgs/WrenchStamped", stamped("wrench", itself)],
  ["nav_msgs/GridCells", measured("cell_width", "cell_height", "cells")],
  ["nav_msgs/MapMetaData", mapMetaData],
  ["nav_msgs/OccupancyGrid", (data) => ({
    ...measured("data")(data),
    info: data.info && mapMetaData(data.info),
  })],
  ["nav_msgs/Odometry", (data) => ({
    header: headerOf(data.header),
    child_frame_id: data.target_frame_id,
    pose: data.pose && { pose: data.pose, covariance: data.pose.covariance },
    twist: data.velocity && { twist: data.velocity, covariance: data.velocity.covariance },
  })],
  ["nav_msgs/Path", (data) => ({
    header: headerOf(data.header),
    poses: each(data.poses, stamped("pose", itself)),
  })],
  ["nmea_msgs/Sentence", measured("sentence")],
  ["sensor_msgs/BatteryState", (data) => ({
    ...battery(data),
    ...Object.fromEntries(BATTERY.map((name) => [name, data[name] ?? NaN])),
  })],
  ["sensor_msgs/CameraInfo", (data) => ({
    ...measured("height", "width", "distortion_model")(data),
    d: data.distortion_parameters,
    k: data.intrinsic_parameters,
    r: data.rectification_parameters,
    p: data.projection_parameters,
    binning_x: data.binning?.x,
    binning_y: data.binning?.y,
    roi: data.roi && region(data.roi),
  })],
  ["sensor_msgs/CompressedImage", measured("format", "data")],
  ["sensor_msgs/FluidPressure", (data) => ({ ...measured("variance")(data), fluid_pressure: data.value })],
  [IMAGE_MESSAGES.raw.type, IMAGE_MESSAGES.raw.make],
  ["sensor_msgs/Imu", (data) => ({
    header: headerOf(data.header),
    orientation: data.orientation,
    orientation_covariance: data.orientation ? data.orientation.covariance : UNKNOWN,
    angular_velocity: data.angular_velocity,
    angular_velocity_covariance: data.angular_velocity?.covariance,
    linear_acceleration: data.acceleration,
    linear_acceleration_covariance: data.acceleration?.covariance,
  })],
  ["sensor_msgs/JointState", (data) => ({
    header: headerOf(data.header),
    name: data.names,
    position: data.positions,
    velocity: data.velocities,
    effort: data.efforts,
  })],
  ["sensor_msgs/Joy", measured("axes", "buttons")],
  ["sensor_msgs/LaserScan", measured(...SCAN, "ranges", "intensities")],
  ["sensor_msgs/MagneticField", (data) => ({
    ...measured("magnetic_field")(data),
    magnetic_field_covariance: data.magnetic_field?.covariance,
  })],
  ["sensor_msgs/MultiEchoLaserScan", (data) => ({
    ...measured(...SCAN)(data),
    ranges: each(data.ranges, (echoes) => ({ echoes })),
    intensities: each(data.intensities, (echoes) => ({ echoes })),
  })],
  ["sensor_msgs/NavSatFix", (data) => ({
    header: headerOf(data.header),
    status: data.status ?? NO_STATUS,
    latitude: data.position?.x,
    longitude: data.position?.y,
    altitude: data.position?.z,
    position_covariance: data.position?.covariance,
    position_covariance_type: data.position?.covariance_type,
  })],
  ["sensor_msgs/NavSatStatus", itself],
  [
    "sensor_msgs/PointCloud2",
    measured("height", "width", "fields", "is_bigendian", "point_step", "row_step", "data", "is_dense"),
  ],
  ["sensor_msgs/PointField", itself],
  ["sensor_msgs/Range", measured("radiation_type", "field_of_view", "min_range", "max_range", "range")],
  ["sensor_msgs/RegionOfInterest", region],
  ["sensor_msgs/Temperature", (data) => ({
    ...measured("variance")(data),
    temperature: data.value - KELVIN,
  })],
  ["tf2_msgs/TFMessage", (data) => ({ transforms: each(data.transforms, transform) })],
]);
