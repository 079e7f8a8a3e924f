/**
 * What is known at a moment, as it is asked for and answered: part of the protocol.
 *
 * @module
 */
import type { DataError } from "./recording_types.ts";

/** What is wanted of a topic at a moment. */
export interface TopicWish {
  readonly topic: string;
  /** Paths of fields. @default all */
  readonly fields?: readonly string[];
  /** What the message is to become. @default "values" */
  readonly as?: "values" | "picture" | "cloud";
}

/** What was known at a moment. */
export interface AtRequest {
  readonly ns: bigint;
  readonly wishes: readonly TopicWish[];
}

/** Values of a message, free of views: numbers, bigint, text, booleans, typed arrays, lists, plain objects. */
export interface ValuesAnswer {
  readonly kind: "values";
  readonly data: { readonly [field: string]: unknown };
}

/**
 * A picture. `bitmap` where this worker could make one, and then it is the receiver's to close; else its `bytes`, in `format` (`jpeg`, `png`,
 * `h264`, or `rgba` with `width` times `height` times 4 bytes), and `reason` tells why.
 */
export interface PictureAnswer {
  readonly kind: "picture";
  readonly format: string;
  readonly width?: number;
  readonly height?: number;
  readonly bitmap?: ImageBitmap;
  readonly bytes?: Uint8Array<ArrayBuffer>;
  readonly reason?: string;
}

/** Points in space. */
export interface CloudAnswer {
  readonly kind: "cloud";
  /** x, y, z of each point, one after another. Points without all three are left out. */
  readonly points: Float32Array<ArrayBuffer>;
  /** One number a point to colour it by, such as its intensity, where there is one. */
  readonly values?: Float32Array<ArrayBuffer>;
  /** What `values` are: `intensity`. */
  readonly valueName?: string;
  /** The frame that the points are in, where the message tells. */
  readonly frame?: string;
  /** When they were measured, by the stamp of the message's header, where it has one. */
  readonly stampNs?: bigint;
}

/** The last message of a topic at or before a moment; `content` is an error where it cannot be read. */
export interface AtAnswer {
  /** Which of the wishes. */
  readonly wish: number;
  readonly topic: string;
  /** Its time; undefined where there is no message yet, and then there is no content. */
  readonly timestampNs?: bigint;
  /** Its time, in seconds. */
  readonly seconds?: number;
  readonly content?: ValuesAnswer | PictureAnswer | CloudAnswer | { kind: "error"; error: DataError };
}
