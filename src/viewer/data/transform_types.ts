/**
 * How frames lie in each other over time: part of the protocol.
 *
 * @module
 */
import type { DataError } from "./recording_types.ts";

/** Transforms that are needed to place things in a window of time. */
export interface TransformsRequest {
  readonly fromNs: bigint;
  readonly toNs: bigint;
  /** Topics that tell transforms, 100 at most. */
  readonly topics: readonly string[];
}

/** Transforms, topic by topic, in the order of their messages. */
export interface TransformsAnswer {
  /** Names of frames, each once. */
  readonly frames: readonly string[];
  /** The frame that each is told in, by its place in `frames`. */
  readonly parents: Uint32Array<ArrayBuffer>;
  /** The frame that each places. */
  readonly children: Uint32Array<ArrayBuffer>;
  /** When each holds: the stamp of its header, or the time of its message where it has none. */
  readonly ns: BigInt64Array<ArrayBuffer>;
  /** 1 where it holds for ever. */
  readonly isStatic: Uint8Array<ArrayBuffer>;
  /** Seven numbers each: x, y, z, and x, y, z, w of the quaternion, as they were told. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** How much later the recording's clock is than that of the stamps; 0n where they are within ten seconds: they are one clock. */
  readonly clockOffsetNs: bigint;
  /** The window they are enough for; undefined where they are all there are. */
  readonly window?: { readonly fromNs: bigint; readonly toNs: bigint };
  /** Transforms that name no frame, or not both. */
  readonly unnamed: number;
  /** Whether there were more than are told. */
  readonly isCut: boolean;
  /** Why topics could not be read, or not all of them. */
  readonly errors: readonly DataError[];
}
