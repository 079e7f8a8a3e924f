/**
 * What the page and the worker of a recording say to each other: plain data that structured cloning takes. Moments are exact,
 * as bigint nanoseconds; arrays of times are float64 seconds from {@linkcode RecordingInfo.startNs} on, which is enough to
 * draw. Arrays of an answer are the receiver's own: they are transferred, never copied.
 *
 * @module
 */
import type { DataError, ListEntry, RecordingInfo } from "./recording_types.ts";
import type { AtAnswer, AtRequest, TopicWish } from "./moment_types.ts";
import type { Gap, LineText, SeriesAnswer, SeriesRequest, WindowNs } from "./series_types.ts";
import type { TransformsAnswer, TransformsRequest } from "./transform_types.ts";

export type {
  AttachmentSummary,
  DataError,
  FieldInfo,
  FieldKind,
  ListEntry,
  RecordingInfo,
  SessionSummary,
  TopicSummary,
} from "./recording_types.ts";
export type {
  AtAnswer,
  AtRequest,
  CloudAnswer,
  PictureAnswer,
  TopicWish,
  ValuesAnswer,
} from "./moment_types.ts";
export type {
  BucketsAnswer,
  Gap,
  Level,
  LineAnswer,
  LineErrorAnswer,
  LineText,
  PointsAnswer,
  SeriesAnswer,
  SeriesRequest,
  WindowNs,
} from "./series_types.ts";
export type { TransformsAnswer, TransformsRequest } from "./transform_types.ts";

/** What a request came to. */
export type Result<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: DataError };

/** Where a recording lies. */
export interface OpenRequest {
  /** Its URL: that of the store, `/`, its name; a query goes with every request. Of several servers' kinds: see `connect`. */
  readonly url: string;
  /** Whether to follow it where it is still being recorded. @default true */
  readonly follow?: boolean;
  /**
   * Whether to answer as soon as its manifest is there, which tells of topics but not of their fields: `changed` tells of those
   * soon after. For who has a layout already: what it asks for opens the topics it names alone. @default false
   */
  readonly early?: boolean;
}

/** Files that were dropped, to be imported into the worker's memory: parts of one recording. Nothing is sent anywhere. */
export interface ImportRequest {
  /** MCAP, ROS bags or ULog files, told by how they begin. */
  readonly files: readonly { readonly name: string; readonly blob: Blob }[];
  /** Bytes of all of them at most; TOO_LARGE beyond, with the command that imports them. @default 512 MiB */
  readonly maxBytes?: number;
}

/** How far an import (in bytes), an export or a check (in messages) is. */
export interface Progress {
  /** Messages, or bytes, so far. */
  readonly done: number;
  /** In all, where that is known. */
  readonly total?: number;
}

/** How many messages there are over time. */
export interface ActivityRequest {
  /** How many slices, 1 to 16,384. */
  readonly bins: number;
  /** @default the whole recording */
  readonly window?: WindowNs;
  /** @default all */
  readonly topics?: readonly string[];
}

/** About how many messages each slice has, by topic. */
export interface ActivityAnswer {
  /** Where the first slice begins, in seconds. */
  readonly from: number;
  /** How long each is, in seconds. */
  readonly step: number;
  /** In ASCII order of the names. Counts may be fractions. */
  readonly topics: readonly { readonly topic: string; readonly counts: Float64Array }[];
}

/** Messages of one topic from a moment on, or back from one. */
export interface RowsRequest {
  readonly topic: string;
  /** Forward: the first message at it or after. Backward: the last before it. */
  readonly fromNs: bigint;
  /** How many at most, 1 to 10,000. */
  readonly count: number;
  readonly direction?: "forward" | "backward";
  /** How many messages at the beginning are passed over: those of equal times that were had already. @default 0 */
  readonly skip?: number;
  /** Paths of fields. @default all but bytes and long lists, which are cut */
  readonly fields?: readonly string[];
  /** Only messages for which this expression holds. */
  readonly where?: string;
  /** Only messages of which some text holds this, whatever the case. */
  readonly contains?: string;
}

/** A message as a table shows it. */
export interface Row {
  readonly timestampNs: bigint;
  readonly seconds: number;
  /** Where fields were asked for, each under its path; else as the message has them. */
  readonly data: { readonly [field: string]: unknown };
}

/** Messages, always in ascending order. */
export interface RowsAnswer {
  readonly rows: readonly Row[];
  /** Whether there are none beyond them in the direction that was asked. */
  readonly isEnd: boolean;
  /** With a filter that met too many messages in vain: where to go on. */
  readonly resumeNs?: bigint;
}

/** Fields of one topic against each other: a track, an XY plot. */
export interface ColumnsRequest extends WindowNs {
  readonly topic: string;
  /** Expressions over fields, 1 to 16. */
  readonly columns: readonly LineText[];
  /** About how many rows are wanted at most, 64 to 1,000,000. */
  readonly points: number;
}

/** Rows, thinned out where there are too many: the first and last are there, and the extremes of each column. */
export interface ColumnsAnswer {
  /** Time of each row, in seconds, ascending. */
  readonly x: Float64Array;
  /** A column for each that was asked for; NaN where a value is missing. */
  readonly columns: readonly Float64Array[];
  /** Rows that the window has. */
  readonly rows: number;
  readonly gaps: readonly Gap[];
}

/** Values that seldom change, as bands. */
export interface StatesRequest extends WindowNs {
  /** Fields of any kind but lists and structs, as an expression names them: `topic.field`. */
  readonly lines: readonly LineText[];
  /** Runs that are shorter than a pixel are told as one that is mixed. */
  readonly pixels: number;
}

/** A field's values over time. They come line by line. */
export interface StatesAnswer {
  readonly line: number;
  /** When each run begins, in seconds, ascending: the time of its first row. It lasts until the next. The first may lie before the window. */
  readonly x: Float64Array;
  /** Where the last run ends: the window's end, or that of the topic. */
  readonly end: number;
  /** What holds in each; null where it is missing, undefined where it changes within a pixel. */
  readonly values: readonly (string | number | bigint | boolean | null | undefined)[];
  readonly gaps: readonly Gap[];
  readonly error?: DataError;
}

/** Plays: see `DataClient.play`. */
export interface PlayRequest {
  readonly fromNs: bigint;
  /** Times real time; negative ones are not played. */
  readonly speed: number;
  readonly wishes: readonly TopicWish[];
}

/** What changed since the frame before. */
export interface FrameAnswer {
  /** The moment it shows: a tick's. */
  readonly ns: bigint;
  readonly changes: readonly AtAnswer[];
}

/** When a condition held. */
export interface FindRequest {
  /** An expression, such as `imu.acceleration.x > 40 and gps.fix == 3`. */
  readonly condition: LineText;
  /** @default the whole recording */
  readonly window?: WindowNs;
  /** Stretches at most, 1 to 100,000. @default 10,000 */
  readonly limit?: number;
}

/** Stretches of rows side by side for which it held, ascending, as they are found. */
export interface FindAnswer {
  /** Times of the first row of each. */
  readonly fromNs: BigInt64Array<ArrayBuffer>;
  /** Times of the last row of each, inclusive. */
  readonly toNs: BigInt64Array<ArrayBuffer>;
  /** How far it has looked, in seconds. */
  readonly lookedTo: number;
  readonly rowsRead: number;
  /** Whether it is the last answer; `isCut` where there were more than the limit. */
  readonly isFinal: boolean;
  readonly isCut: boolean;
  readonly gaps: readonly Gap[];
}

/** Figures of lines between two moments, both inclusive. */
export interface StatsRequest {
  readonly lines: readonly LineText[];
  readonly aNs: bigint;
  readonly bNs: bigint;
}

/** Figures of a line; NaN where there is no value. */
export interface StatsAnswer {
  readonly line: number;
  /** Rows that have a value that is no NaN. */
  readonly count: number;
  /** Rows without. */
  readonly missing: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Of the population. */
  readonly deviation: number;
  /** The value that was known at A, and at B: that of the last row at or before it. */
  readonly atA: number;
  readonly atB: number;
  /** Rows a second between the first and the last of them. */
  readonly rate: number;
  readonly unit?: string;
  readonly error?: DataError;
}

/** A window as files. */
export interface ExportRequest extends WindowNs {
  readonly format: "csv" | "arrow";
  readonly topics: readonly string[];
  /** Bytes at most; TOO_LARGE beyond, with the command that writes them. @default 256 MiB */
  readonly maxBytes?: number;
}

/** A file a topic, `TOPIC.csv` or `TOPIC.arrow`. */
export interface ExportAnswer {
  readonly files: readonly { readonly name: string; readonly blob: Blob }[];
  readonly messages: number;
}

/** Reads everything and checks it. */
export interface VerifyRequest {
  /** @default all */
  readonly topics?: readonly string[];
}

/** What is damaged; none where all is sound. */
export interface VerifyAnswer {
  readonly errors: readonly DataError[];
}

/** The bytes of an attachment, by its place in the list. */
export interface AttachmentRequest {
  readonly index: number;
}

/** What is told of an attachment. */
export interface AttachmentAnswer {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Every request: what it takes, what comes while it runs (`part`), and what it comes to (`value`). One runs a panel and kind: a newer
 * one aborts it.
 */
export interface Requests {
  open: { request: OpenRequest; part: never; value: RecordingInfo };
  import: { request: ImportRequest; part: Progress; value: RecordingInfo };
  list: { request: { readonly url: string }; part: never; value: readonly ListEntry[] };
  series: { request: SeriesRequest; part: SeriesAnswer; value: null };
  activity: { request: ActivityRequest; part: never; value: ActivityAnswer };
  at: { request: AtRequest; part: never; value: readonly AtAnswer[] };
  rows: { request: RowsRequest; part: never; value: RowsAnswer };
  columns: { request: ColumnsRequest; part: never; value: ColumnsAnswer };
  states: { request: StatesRequest; part: StatesAnswer; value: null };
  /** Ends when it is stopped, or all was played. */
  play: { request: PlayRequest; part: FrameAnswer; value: null };
  transforms: { request: TransformsRequest; part: never; value: TransformsAnswer };
  find: { request: FindRequest; part: FindAnswer; value: null };
  stats: { request: StatsRequest; part: never; value: readonly StatsAnswer[] };
  export: { request: ExportRequest; part: Progress; value: ExportAnswer };
  verify: { request: VerifyRequest; part: Progress; value: VerifyAnswer };
  attachment: { request: AttachmentRequest; part: never; value: AttachmentAnswer };
  /** Looks now whether a followed recording has grown, as when a server says so. */
  look: { request: null; part: never; value: null };
}

/** The name of a request. */
export type RequestKind = keyof Requests;

/** From the page. */
export type ToWorker =
  | {
    readonly [K in RequestKind]: {
      readonly kind: K;
      readonly id: number;
      readonly panel: number;
      readonly request: Requests[K]["request"];
    };
  }[RequestKind]
  /** Gives a request up. */
  | { readonly kind: "abort"; readonly id: number }
  /** The page's clock, of a `play` request. Of several that wait the newest counts. */
  | { readonly kind: "tick"; readonly id: number; readonly ns: bigint }
  /** Lets go of everything. */
  | { readonly kind: "close" };

/** To the page. */
export type FromWorker =
  | { readonly kind: "part"; readonly id: number; readonly part: unknown }
  | { readonly kind: "end"; readonly id: number; readonly result: Result<unknown> }
  /** A followed recording has grown, or ended. */
  | { readonly kind: "changed"; readonly info: RecordingInfo };
