/**
 * Record batches as they are stored: compressed where that saves, sealed with the checksums that `stored_batch.ts` tells of.
 *
 * @module
 */
import type { Engine } from "../engine.ts";
import { takeBytes } from "../util/buffer_pool.ts";
import type { Columns } from "./columns.ts";
import { encodeBatch } from "./encode.ts";
import { TIME_BUFFERS } from "./message_buffers.ts";
import { CRC_KEY, headerCrc, hexCrc } from "./stored_batch.ts";

/** Smaller buffers are not compressed: a frame around them takes as much as it saves. */
const LEAST_COMPRESSED = 128;
/** Jittered times save a quarter at most, which costs more time than all the rest of writing and reading them. */
const TIME_SAVING = 3;

/** A batch ready to be stored. */
export interface SealedBatch {
  /** The encapsulated message: the caller's, who may give it back by `giveBytes`. */
  message: Uint8Array;
  /** The header's checksum, for the index. */
  headerCrc: number;
  /** Per buffer in depth-first order: offset in the body, length as stored. */
  places: ArrayLike<number>;
}

/** An encapsulated record batch message: LZ4 where that saves, with checksums. */
export function sealBatch(engine: Engine, columns: Columns): SealedBatch {
  let header = 0;
  let places: ArrayLike<number> = [];
  const message = encodeBatch(columns, {
    compress: (bytes, i) => compressBuffer(engine, bytes, i < TIME_BUFFERS ? TIME_SAVING : undefined),
    allocate: takeBytes,
    describe: (batch) => {
      const crcs = Array.from({ length: batch.places.length / 2 }, (_, i) => engine.crc32(batch.buffer(i)));
      header = headerCrc(engine, batch, crcs);
      places = batch.places;
      return new Map([[CRC_KEY, [header, ...crcs].map(hexCrc).join("")]]);
    },
  });
  return { message, headerCrc: header, places };
}

/** LZ4 of a buffer, good until the engine is called again; undefined where that saves too little, as `Engine.compress` has it. */
export function compressBuffer(engine: Engine, bytes: Uint8Array, part?: number): Uint8Array | undefined {
  return bytes.length < LEAST_COMPRESSED ? undefined : engine.compress(bytes, part);
}
