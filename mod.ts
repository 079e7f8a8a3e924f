/**
 * smalti records multi-sensor time series to Arrow files and replays them in strict time order.
 *
 * {@linkcode connect} opens a place with recordings. A {@linkcode SequenceWriter} records: create, push, finalize. A
 * {@linkcode SequenceHandler} replays all topics in strict time order, a {@linkcode TopicHandler} one of them.
 *
 * # The order
 *
 * Strict and total: timestamp, then topic name (ASCII), then the order of pushing within the topic. It is the same for
 * every store, engine and runtime, and no two messages compare equal. Messages pushed late come out in their right place.
 *
 * @example
 * ```ts
 * import { connect, GPS } from "smalti";
 *
 * await using client = await connect("memory:");
 *
 * await client.sequenceCreate("drive_log_01", { metadata: { vehicle: "A" } }, async (sequence) => {
 *   const gps = await sequence.topicCreate("gps/front", { ontology: GPS });
 *   await gps.push({ timestampNs: 1_700_000_000_000_000_000n, data: { position: { x: 45.46, y: 9.19, z: 122 } } });
 * });
 *
 * const handler = await client.sequenceHandler("drive_log_01");
 * for await (const [topic, message] of handler.getDataStreamer()) {
 *   console.log(message.timestampNs, topic, message.ontologyTag);
 * }
 * ```
 *
 * @module
 */
export { Client, connect, type ListOptions, type SequenceOptions } from "./src/client.ts";
export { type ErrorCode, type ErrorDetails, SmaltiError, type SmaltiErrorOptions } from "./src/error.ts";

// Writing.
export {
  type ErrorPolicy,
  SequenceWriter,
  type SessionOptions,
  type TopicOptions,
} from "./src/write/sequence_writer.ts";
export {
  type ColumnsInput,
  type TopicColumns,
  type TopicMessage,
  TopicWriter,
  type WriterStatus,
} from "./src/write/topic_writer.ts";

// Reading.
export { SequenceHandler, type SequenceStreamOptions } from "./src/read/sequence_handler.ts";
export { TopicHandler, type VerifyOptions } from "./src/read/topic_handler.ts";
export { type MergedTables, SequenceStreamer } from "./src/read/sequence_streamer.ts";
export { TopicStreamer } from "./src/read/topic_streamer.ts";
export { type Block, Streamer, type StreamOptions } from "./src/read/streamer.ts";
export { type Data, type Message, type MessageJson } from "./src/read/message.ts";
export {
  type AttachmentInfo,
  type Json,
  type Metadata,
  type SequenceInfo,
  type SequenceState,
  type SessionInfo,
  type TimeRange,
  type TimestampNs,
  type TopicInfo,
} from "./src/types.ts";

// What messages hold.
export {
  defineOntology,
  type Infer,
  type Ontology,
  type OntologyOptions,
  type SerializationFormat,
} from "./src/ontology/define_ontology.ts";
export {
  binary,
  bool,
  type Field,
  type FieldOptions,
  type Fields,
  fixedSizeList,
  float16,
  float32,
  float64,
  type Input,
  int16,
  int32,
  int64,
  int8,
  list,
  optional,
  type OptionalKey,
  struct,
  uint16,
  uint32,
  uint64,
  uint8,
  utf8,
  type ValueOf,
  type Values,
} from "./src/ontology/field.ts";
export { type DataType, type FieldSchema, type TemporalKind, type TimeUnit } from "./src/schema.ts";

// For libraries that bring their own: what decodes and orders.
export { type BatchLayout, type Codec, type Engine, type Merger } from "./src/engine/engine.ts";

// The built-in classes. `Boolean`, `Image`, `Range` and `String` would hide a global: `ontology.String`.
export * as ontology from "./src/ontology/builtin/mod.ts";
export {
  Acceleration,
  BatteryState,
  CameraInfo,
  CompressedImage,
  type DepthPoints,
  Duration,
  Floating16,
  Floating32,
  Floating64,
  ForceTorque,
  FrameTransform,
  GPS,
  GPSStatus,
  GridCells,
  Header,
  IMU,
  Inertia,
  Integer16,
  Integer32,
  Integer64,
  Integer8,
  Joy,
  LaserScan,
  type LaserSweep,
  Lidar,
  Magnetometer,
  MapMetadata,
  MotionState,
  MultiEchoLaserScan,
  NMEASentence,
  type NumberList,
  OccupancyGrid,
  Point2d,
  Point3d,
  PointCloud2,
  PointField,
  Polygon,
  Pose,
  Pressure,
  Quaternion,
  Radar,
  RGBDCamera,
  RobotJoint,
  RobotPath,
  ROI,
  StereoCamera,
  Temperature,
  Time,
  ToFCamera,
  Transform,
  Unsigned16,
  Unsigned32,
  Unsigned64,
  Unsigned8,
  Vector2d,
  Vector3d,
  Vector4d,
  Velocity,
  type WithCovariance,
  type WithHeader,
  type WithVariance,
} from "./src/ontology/builtin/mod.ts";
