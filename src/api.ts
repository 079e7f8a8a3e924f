/**
 * All that every entry exports, `connect` aside: the entries differ in how they load the WASM engine.
 *
 * @module
 */
export {
  Client,
  type HandlerOptions,
  type ListOptions,
  type QueryOptions,
  type SequenceOptions,
} from "./client.ts";
export { type ArrowLibrary, type ArrowSource } from "./arrow/library.ts";
export { type Connect, type ConnectOptions } from "./connect.ts";
export { type EngineInfo } from "./engine.ts";
export { type EngineOptions, type WasmModule, type WasmSource } from "./engine/load/choose_engine.ts";
export { nowNs } from "./timestamp.ts";
export { type ErrorCode, type ErrorDetails, SmaltiError, type SmaltiErrorOptions } from "./error.ts";

// Writing.
export { SequenceWriter, type TopicOptions } from "./write/sequence_writer.ts";
export type { AttachmentFacts, AutoFlush, ErrorPolicy, SessionOptions } from "./write/session_options.ts";
export {
  type ColumnsInput,
  type PushColumnsOptions,
  type TopicColumns,
  type TopicMessage,
  TopicWriter,
} from "./write/topic_writer.ts";
export { type WriterStatus } from "./write/session_life.ts";

// Where bytes live, for stores of one's own.
export {
  type Durability,
  type FilePart,
  type FileReader,
  type FileVersion,
  type FileWatch,
  type HeldFile,
  type PartOptions,
  type ReadOptions,
  type Store,
  type StoreLease,
  type WholeFile,
  writtenAnew,
} from "./store/store.ts";
export { type S3Credentials, type S3CredentialsSource } from "./store/s3/credentials.ts";
export { type S3Options } from "./store/s3/s3_options.ts";

// Reading.
export type { LatchedTopic } from "./read/latched.ts";
export type { LatestOptions } from "./read/latest_at.ts";
export type { SplitOptions, SplitSize } from "./splits/cut_splits.ts";
export type { Split, SplitTopic } from "./splits/split.ts";
export type { SplitColumnOptions, SplitHandler, SplitStreamOptions } from "./splits/split_handler.ts";
export type { SequenceColumnOptions } from "./read/columns/sequence_columns.ts";
export type { SequenceStreamOptions } from "./read/message_stream.ts";
export { SequenceHandler } from "./read/sequence_handler.ts";
export {
  type TopicColumnFields,
  type TopicColumnOptions,
  TopicHandler,
  type VerifyOptions,
} from "./read/topic_handler.ts";
export { type MergedTables, SequenceStreamer } from "./read/sequence_streamer.ts";
export { TopicStreamer } from "./read/topic_streamer.ts";
export { type ColumnFields, type ColumnName, type ColumnSource } from "./read/columns/column_fields.ts";
export { ColumnStreamer } from "./read/columns/column_streamer.ts";
export { ColumnBlock } from "./read/columns/column_block.ts";
export {
  type BaseColumn,
  type BigIntColumn,
  type BooleanColumn,
  type BytesColumn,
  type Column,
  type DecimalColumn,
  type ListColumn,
  type NullColumn,
  type NumberColumn,
  type StructColumn,
  type TextColumn,
} from "./read/columns/column.ts";
export {
  type SyncField,
  type SyncFields,
  type SyncOptions,
  type SyncPolicy,
  type SyncRow,
  type SyncValue,
  type SyncValues,
} from "./read/sync/sync_options.ts";
export type {
  Activity,
  ActivityOptions,
  FieldSeries,
  FieldStats,
  SeriesLevel,
  SeriesOptions,
  StatsOptions,
  TopicSeries,
  TopicStats,
} from "./read/statistics/statistics_options.ts";
export { type TableOptions } from "./read/table_options.ts";
export { SyncStreamer } from "./read/sync/sync_streamer.ts";
export { type MessageBlock, Streamer, type StreamOptions } from "./read/streamer.ts";
export type { MessageCursor } from "./read/merge/message_cursor.ts";
export {
  type Message,
  type MessageData,
  type MessageJson,
  type MessageObject,
} from "./read/merge/message.ts";
export {
  type AttachmentInfo,
  type CompactedTopic,
  type CompactReport,
  type CopyOptions,
  type CopyReport,
  type JsonValue,
  type LiveInfo,
  type Metadata,
  type Notification,
  type NotificationPlace,
  type RecoveredFile,
  type RecoverOptions,
  type RecoverReport,
  type SequenceEntry,
  type SequenceInfo,
  type SequenceState,
  type SessionInfo,
  type StoreInfo,
  type TimeRange,
  type TimestampNs,
  type TopicInfo,
} from "./types.ts";

// What messages hold.
export {
  type DefinedOntology,
  defineOntology,
  type Infer,
  type Ontology,
  type OntologyOptions,
  type SerializationFormat,
} from "./ontology/define_ontology.ts";
export {
  binary,
  bool,
  decimal,
  type DecimalText,
  type FieldOptions,
  type FieldValue,
  type FieldValues,
  fixedSizeList,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  list,
  type MessageInput,
  type OntologyField,
  type OntologyFields,
  optional,
  type OptionalKey,
  struct,
  uint16,
  uint32,
  uint64,
  uint8,
  utf8,
} from "./ontology/field.ts";
export {
  type DataType,
  type FieldSchema,
  type IndexType,
  type TemporalKind,
  type TimeUnit,
} from "./schema.ts";

// What is asked of all recordings.
export {
  type CreatedQuery,
  type FactsQuery,
  type MetadataQuery,
  type NameQuery,
  type QueryRequest,
  sequenceQ,
  topicQ,
  type TopicQuery,
} from "./query/builders.ts";
export {
  type EqualityQuery,
  type OrderQuery,
  QueryExpression,
  type QueryOperand,
  type TextQuery,
  type TimeQuery,
} from "./ontology/expression.ts";
export { type FieldQuery, type ListQuery, type MessageQuery } from "./ontology/query_fields.ts";
export { type QueryHit } from "./types.ts";

// The built-in classes. `Boolean`, `Image`, `Range` and `String` would hide a global: `ontology.String`.
export * as ontology from "./ontology/builtin/mod.ts";
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
} from "./ontology/builtin/mod.ts";
