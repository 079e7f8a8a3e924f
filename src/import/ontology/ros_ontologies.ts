/**
 * Types of ROS -> the built-in classes, as Mosaico's ROS bridge maps them, and a few that it leaves out.
 *
 * @module
 */
import * as ontology from "../../ontology/builtin/mod.ts";
import {
  childAt,
  type ColumnNode,
  isNumeric,
  numbersAt,
  numbersOf,
  offsetsOf,
  structNode,
  textNode,
  textsOf,
  withNulls,
} from "./column_tree.ts";
import type { ClassColumns, KnownMapping } from "./mapping.ts";
import {
  type ColumnSources,
  convertFields,
  type MakeColumn,
  nullWhere,
  nullWhereEmpty,
  positive,
} from "./convert.ts";

/** A header: null where it has neither a time nor a frame. */
export function headerAt(path: string): MakeColumn {
  return (source) => {
    const found = childAt(source, path);
    const frame = found && childAt(found, "frame_id");
    const stamp = found && timeAt("stamp")(found);
    if (!found || frame?.type.kind !== "utf8" || !stamp) return undefined;
    const [sec, nanosec] = stamp.children.map(numbersOf);
    const offsets = offsetsOf(frame);
    const counter = childAt(found, "seq");
    const header = structNode(found.length, {
      timestamp: stamp,
      frame_id: frame,
      sample_counter: counter,
    });
    const { nullCount, validity } = found;
    return withNulls(
      { ...header, nullCount, validity },
      (row) => sec[row] === 0 && nanosec[row] === 0 && offsets[row] === offsets[row + 1],
    );
  };
}

/** A time or duration with the names that Mosaico has for its parts; undefined where it is none. */
function timeAt(path: string): MakeColumn {
  return (source) => {
    const found = childAt(source, path);
    if (found?.children.length !== 2 || !found.children.every(isNumeric)) return undefined;
    return { ...found, names: ["seconds", "nanoseconds"] };
  };
}

/** A list of an ontology's messages. */
function listAt(path: string, { fields }: Pick<ClassColumns, "fields">, sources: ColumnSources): MakeColumn {
  return (source) => {
    const found = childAt(source, path);
    if (found?.type.kind !== "list" && found?.type.kind !== "fixedList") return undefined;
    const [item] = found.children;
    const children = convertFields(fields, item, sources);
    const names = fields.map(({ name }) => name);
    return { ...found, children: [{ ...item, children, names }] };
  };
}

/** Columns as items of lists of one fixed length. */
function listOf(paths: readonly string[]): MakeColumn {
  return (source) => {
    const columns = paths.map((path) => numbersAt(source, path));
    const size = columns.length;
    const values = new Float64Array(size * source.length);
    columns.forEach((column, i) => {
      for (let row = 0; column && row < source.length; row++) values[row * size + i] = Number(column[row]);
    });
    const item = { ...structNode(values.length, {}), type: { kind: "float", bits: 64 } as const };
    const list = structNode(source.length, { item: { ...item, values: new Uint8Array(values.buffer) } });
    return { ...list, type: { kind: "fixedList", size } };
  };
}

/** An orientation that is not known where the first of its covariances is -1. */
const imuOrientation: MakeColumn = (source) => {
  const found = childAt(source, "orientation");
  const covariances = childAt(source, "orientation_covariance");
  if (!found || covariances?.type.kind !== "fixedList") return found;
  const { size } = covariances.type;
  const values = numbersAt(covariances.children[0], "");
  return values ? withNulls(found, (row) => values[size * row] === -1) : found;
};

/** A covariance's type, where there is a covariance. */
const gpsCovarianceType: MakeColumn = (source) => {
  const found = childAt(source, "position_covariance_type");
  const covariance = positive("position_covariance")(source);
  if (!found || !covariance) return undefined;
  return withNulls(
    found,
    (row) => covariance.nullCount > 0 && (covariance.validity[row >> 3] & (1 << (row & 7))) === 0,
  );
};

const gpsStatus: MakeColumn = (source) => {
  const found = childAt(source, "status");
  const values = found && numbersAt(found, "status");
  return values && withNulls(found, (row) => Number(values[row]) < -1);
};

const gpsPosition: MakeColumn = (source) =>
  structNode(source.length, {
    x: childAt(source, "latitude"),
    y: childAt(source, "longitude"),
    z: childAt(source, "altitude"),
  });

/** A region that is none where all of it is zero. */
const cameraRoi: MakeColumn = (source) => {
  const found = childAt(source, "roi");
  if (!found) return undefined;
  const sides = ["x_offset", "y_offset", "height", "width"].map((name) => numbersAt(found, name));
  const rectify = childAt(found, "do_rectify");
  if (rectify?.type.kind !== "bool") return roiOf(found);
  const { values } = rectify;
  return withNulls(roiOf(found), (row) => {
    return sides.every((side) => Number(side?.[row]) === 0) && (values[row >> 3] & (1 << (row & 7))) === 0;
  });
};

function roiOf(node: ColumnNode): ColumnNode {
  const child = (name: string) => childAt(node, name);
  const offset = structNode(node.length, { x: child("x_offset"), y: child("y_offset") });
  const made = structNode(node.length, {
    offset,
    height: child("height"),
    width: child("width"),
    do_rectify: child("do_rectify"),
  });
  return { ...made, nullCount: node.nullCount, validity: node.validity };
}

/** Numbers of pixels that are one, where they are more than one in both directions. */
const cameraBinning: MakeColumn = (source) => {
  const [x, y] = ["binning_x", "binning_y"].map((name) => childAt(source, name));
  const [across, down] = ["binning_x", "binning_y"].map((name) => numbersAt(source, name));
  return withNulls(
    structNode(source.length, { x, y }),
    (row) => !(Number(across?.[row]) > 1 && Number(down?.[row]) > 1),
  );
};

/** Formats that Mosaico knows; others are raw. */
const CODECS = new Set(["jpeg", "jpg", "png", "tiff", "webp", "h264", "hevc", "bmp"]);

/** A compressed image's format in a word: `bgr8; jpeg compressed bgr8` is `jpeg`. */
const imageFormat: MakeColumn = (source) => {
  const found = childAt(source, "format");
  return found?.type.kind === "utf8" ? textNode(textsOf(found).map(codecOf)) : undefined;
};

function codecOf(format: string): string {
  const words = format.trim().toLowerCase().split(/[\s;]+/).filter((word) => word !== "");
  if (words.length === 0) return "png";
  if (words.length === 1) return CODECS.has(words[0]) ? words[0] : "raw";
  const codec = words[1] === "compresseddepth" ? words[2] : words[1];
  return codec !== undefined && CODECS.has(codec) ? codec : "raw";
}

/** A mapping; a header in it comes from `header`. */
function to(ontology: ClassColumns, sources: ColumnSources = {}): KnownMapping {
  const hasHeader = ontology.fields.some(({ name }) => name === "header");
  return { ontology, sources: { ...(hasHeader && { header: headerAt("header") }), ...sources } };
}

const { Vector3d, Point3d, Quaternion, Pose, Transform } = ontology;

/** The fields of a message within a stamped one. */
const within = (path: string, names: readonly string[]): ColumnSources =>
  Object.fromEntries(names.map((name) => [name, `${path}.${name}`]));

const TRANSFORM: ColumnSources = {
  header: headerAt("header"),
  translation: "transform.translation",
  rotation: "transform.rotation",
  target_frame_id: nullWhereEmpty("child_frame_id"),
};
const POSE_STAMPED: ColumnSources = {
  header: headerAt("header"),
  position: "pose.position",
  orientation: "pose.orientation",
};
const inertia = (prefix: string): ColumnSources => ({
  mass: `${prefix}m`,
  center_of_mass: `${prefix}com`,
  inertia: listOf(["ixx", "ixy", "ixz", "iyy", "iyz", "izz"].map((name) => prefix + name)),
});
const SCALARS: readonly (readonly [string, ClassColumns])[] = [
  ["Bool", ontology.Boolean],
  ["Float32", ontology.Floating32],
  ["Float64", ontology.Floating64],
  ["Int8", ontology.Integer8],
  ["Int16", ontology.Integer16],
  ["Int32", ontology.Integer32],
  ["Int64", ontology.Integer64],
  ["UInt8", ontology.Unsigned8],
  ["UInt16", ontology.Unsigned16],
  ["UInt32", ontology.Unsigned32],
  ["UInt64", ontology.Unsigned64],
  ["String", ontology.String],
];

/** By the type's name without `/msg`. */
export const ROS_ONTOLOGIES: Readonly<Record<string, KnownMapping>> = {
  ...Object.fromEntries(SCALARS.map(([name, scalar]) => [`std_msgs/${name}`, to(scalar)])),
  "builtin_interfaces/Duration": to(ontology.Duration, { seconds: "sec", nanoseconds: "nanosec" }),
  "builtin_interfaces/Time": to(ontology.Time, { seconds: "sec", nanoseconds: "nanosec" }),
  "std_msgs/Header": to(ontology.Header, { timestamp: timeAt("stamp"), sample_counter: "seq" }),
  "geometry_msgs/Accel": to(ontology.Acceleration),
  "geometry_msgs/AccelStamped": to(ontology.Acceleration, within("accel", ["linear", "angular"])),
  "geometry_msgs/AccelWithCovariance": to(ontology.Acceleration, {
    ...within("accel", ["linear", "angular"]),
    covariance: positive("covariance"),
  }),
  "geometry_msgs/AccelWithCovarianceStamped": to(ontology.Acceleration, {
    ...within("accel.accel", ["linear", "angular"]),
    covariance: positive("accel.covariance"),
  }),
  "geometry_msgs/Inertia": to(ontology.Inertia, inertia("")),
  "geometry_msgs/InertiaStamped": to(ontology.Inertia, inertia("inertia.")),
  "geometry_msgs/Point": to(Point3d),
  "geometry_msgs/Point32": to(Point3d),
  "geometry_msgs/PointStamped": to(Point3d, within("point", ["x", "y", "z"])),
  "geometry_msgs/Polygon": to(ontology.Polygon, { points: listAt("points", Point3d, {}) }),
  "geometry_msgs/PolygonStamped": to(ontology.Polygon, { points: listAt("polygon.points", Point3d, {}) }),
  "geometry_msgs/Pose": to(Pose),
  "geometry_msgs/PoseStamped": to(Pose, POSE_STAMPED),
  "geometry_msgs/PoseWithCovariance": to(Pose, {
    ...within("pose", ["position", "orientation"]),
    covariance: positive("covariance"),
  }),
  "geometry_msgs/PoseWithCovarianceStamped": to(Pose, {
    ...within("pose.pose", ["position", "orientation"]),
    covariance: positive("pose.covariance"),
  }),
  "geometry_msgs/Quaternion": to(Quaternion),
  "geometry_msgs/QuaternionStamped": to(Quaternion, within("quaternion", ["x", "y", "z", "w"])),
  "geometry_msgs/Transform": to(Transform),
  "geometry_msgs/TransformStamped": to(Transform, TRANSFORM),
  "geometry_msgs/Twist": to(ontology.Velocity),
  "geometry_msgs/TwistStamped": to(ontology.Velocity, within("twist", ["linear", "angular"])),
  "geometry_msgs/TwistWithCovariance": to(ontology.Velocity, {
    ...within("twist", ["linear", "angular"]),
    covariance: positive("covariance"),
  }),
  "geometry_msgs/TwistWithCovarianceStamped": to(ontology.Velocity, {
    ...within("twist.twist", ["linear", "angular"]),
    covariance: positive("twist.covariance"),
  }),
  "geometry_msgs/Vector3": to(Vector3d),
  "geometry_msgs/Vector3Stamped": to(Vector3d, within("vector", ["x", "y", "z"])),
  "geometry_msgs/Wrench": to(ontology.ForceTorque),
  "geometry_msgs/WrenchStamped": to(ontology.ForceTorque, within("wrench", ["force", "torque"])),
  "nav_msgs/GridCells": to(ontology.GridCells, { cells: listAt("cells", Point3d, {}) }),
  "nav_msgs/MapMetaData": to(ontology.MapMetadata, { map_load_time: timeAt("map_load_time") }),
  "nav_msgs/OccupancyGrid": to(ontology.OccupancyGrid, {
    "info.map_load_time": timeAt("info.map_load_time"),
  }),
  "nav_msgs/Odometry": to(ontology.MotionState, {
    target_frame_id: "child_frame_id",
    pose: "pose.pose",
    "pose.covariance": positive("pose.covariance"),
    velocity: "twist.twist",
    "velocity.covariance": positive("twist.covariance"),
  }),
  "nav_msgs/Path": to(ontology.RobotPath, { poses: listAt("poses", Pose, POSE_STAMPED) }),
  "nmea_msgs/Sentence": to(ontology.NMEASentence),
  "sensor_msgs/BatteryState": to(ontology.BatteryState, {
    ...Object.fromEntries(
      ["temperature", "current", "charge", "capacity", "design_capacity"].map((
        name,
      ) => [name, nullWhere(name, Number.isNaN)]),
    ),
    cell_voltage: nullWhereEmpty("cell_voltage"),
    cell_temperature: nullWhereEmpty("cell_temperature"),
  }),
  "sensor_msgs/CameraInfo": to(ontology.CameraInfo, {
    ...Object.fromEntries(
      Object.entries({
        distortion_parameters: "d",
        intrinsic_parameters: "k",
        projection_parameters: "p",
        rectification_parameters: "r",
      }).map(([name, letter]): [string, MakeColumn] => [
        name,
        (source) => childAt(source, letter) ?? childAt(source, letter.toUpperCase()),
      ]),
    ),
    binning: cameraBinning,
    roi: cameraRoi,
  }),
  "sensor_msgs/CompressedImage": to(ontology.CompressedImage, { format: imageFormat }),
  "sensor_msgs/FluidPressure": to(ontology.Pressure, {
    value: "fluid_pressure",
    variance: nullWhere("variance", (value) => !(value > 0)),
  }),
  "sensor_msgs/Image": to(ontology.Image, {
    stride: "step",
    format: (source) => textNode(new Array(source.length).fill("raw")),
    is_bigendian: (source) => {
      const found = childAt(source, "is_bigendian");
      return found && boolOf(found);
    },
  }),
  "sensor_msgs/Imu": to(ontology.IMU, {
    acceleration: "linear_acceleration",
    "acceleration.covariance": positive("linear_acceleration_covariance"),
    angular_velocity: "angular_velocity",
    "angular_velocity.covariance": positive("angular_velocity_covariance"),
    orientation: imuOrientation,
    "orientation.covariance": positive("orientation_covariance"),
  }),
  "sensor_msgs/JointState": to(ontology.RobotJoint, {
    names: "name",
    positions: "position",
    velocities: "velocity",
    efforts: "effort",
  }),
  "sensor_msgs/Joy": to(ontology.Joy),
  "sensor_msgs/LaserScan": to(ontology.LaserScan, { intensities: nullWhereEmpty("intensities") }),
  "sensor_msgs/MagneticField": to(ontology.Magnetometer, {
    magnetic_field: "magnetic_field",
    "magnetic_field.covariance": positive("magnetic_field_covariance"),
  }),
  "sensor_msgs/MultiEchoLaserScan": to(ontology.MultiEchoLaserScan, {
    ranges: echoesAt("ranges"),
    intensities: (source) => {
      const found = echoesAt("intensities")(source);
      const offsets = found && offsetsOf(found);
      return found && withNulls(found, (row) => offsets![row] === offsets![row + 1]);
    },
  }),
  "sensor_msgs/NavSatFix": to(ontology.GPS, {
    position: gpsPosition,
    "position.covariance": positive("position_covariance"),
    "position.covariance_type": gpsCovarianceType,
    status: gpsStatus,
  }),
  "sensor_msgs/NavSatStatus": to(ontology.GPSStatus),
  "sensor_msgs/PointCloud2": to(ontology.PointCloud2, { fields: listAt("fields", ontology.PointField, {}) }),
  "sensor_msgs/PointField": to(ontology.PointField),
  "sensor_msgs/Range": to(ontology.Range),
  "sensor_msgs/RegionOfInterest": to(ontology.ROI, {
    offset: (source) =>
      structNode(source.length, { x: childAt(source, "x_offset"), y: childAt(source, "y_offset") }),
  }),
  "sensor_msgs/Temperature": to(ontology.Temperature, {
    value: { field: "temperature", offset: 273.15 },
    variance: nullWhere("variance", (value) => !(value > 0)),
  }),
  "tf2_msgs/TFMessage": to(ontology.FrameTransform, {
    transforms: listAt("transforms", Transform, TRANSFORM),
  }),
  "tf/tfMessage": to(ontology.FrameTransform, { transforms: listAt("transforms", Transform, TRANSFORM) }),
};

/** The echoes of each beam: a list of lists, of a list of structs that hold one. */
function echoesAt(path: string): MakeColumn {
  return (source) => {
    const found = childAt(source, path);
    if (found?.type.kind !== "list") return undefined;
    const echoes = childAt(found.children[0], "echoes");
    return echoes && { ...found, children: [echoes] };
  };
}

/** A number as a boolean. */
function boolOf(node: ColumnNode): ColumnNode {
  if (!isNumeric(node)) return node;
  const values = numbersOf(node);
  const bits = new Uint8Array(Math.ceil(node.length / 8));
  for (let row = 0; row < node.length; row++) if (Number(values[row]) !== 0) bits[row >> 3] |= 1 << (row & 7);
  return { ...node, type: { kind: "bool" }, values: bits };
}
