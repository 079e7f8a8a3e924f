/**
 * DoGet: one topic's rows in a window, in time order.
 *
 * @module
 */
import { cutColumns } from "../../arrow/batching.ts";
import { bytesIn, type Columns } from "../../arrow/columns.ts";
import {
  type BodyCoder,
  encodeBatch,
  encodeDictionaryBatch,
  encodeSchemaMessage,
} from "../../arrow/encode.ts";
import { ColumnEncoder, type EncodedColumns } from "../../arrow/encodings.ts";
import { rangePicks, take } from "../../arrow/take.ts";
import type { Backend, Run, RunSource } from "../../backend.ts";
import { blockColumns } from "../../read/merge/block_columns.ts";
import { messageTopic } from "../../read/merge/message.ts";
import { Progress, ResumingBlocks } from "../../read/merge/resuming_blocks.ts";
import { RowBlocks } from "../../read/merge/row_blocks.ts";
import type { BlockSource } from "../../read/streamer.ts";
import { SmaltiError } from "../../error.ts";
import { reopened } from "../../reopen.ts";
import { type FieldSchema, plainFields } from "../../schema.ts";
import { giveBytes, takeBytes } from "../../util/buffer_pool.ts";
import { isWrittenAnew } from "../../store/store.ts";
import { MAX_NS, MIN_NS, type Window } from "../../types.ts";
import { walkRuns } from "../../walk/walk_runs.ts";
import { type FlightParts, toFlight } from "../ipc.ts";
import { parseTopicLocator } from "../locator.ts";
import { TARGET_ENCODE_BYTES } from "../protocol.ts";
import { decodeTicket } from "../ticket.ts";
import { lastTime, OverlappingRuns } from "./overlapping_runs.ts";

/** Bound on what one stream holds of the topic; see `maxBufferedBytes` of a streamer. */
const MAX_OPEN_BYTES = 256 * 2 ** 20;

/** Rows of a batch at most, as the daemon has it. */
export const MAX_ROWS = 8192;

/** More than streams take without having sent it: 16 or 64 KiB. */
const WAITED_BYTES = 128 * 1024;

/**
 * A topic's schema, then its batches, none without rows, buffers as LZ4 frames. Batches go out as they are stored,
 * checksums included, unless the window, late rows, their size or more than `maxRows` rows ask for others; those have 8192
 * rows at most.
 */
export async function* getTopic(
  backend: Backend,
  ticket: Uint8Array,
  maxRows: number,
  signal: AbortSignal,
): AsyncGenerator<FlightParts> {
  const { locator, ...range } = decodeTicket(ticket);
  const { sequence, topic: name } = parseTopicLocator(locator);
  const { engine } = backend;
  const window = windowOf(range);
  let source = await (await backend.openSequence(sequence)).openTopic(name);
  const { schema } = source;
  const fields = plainFields(schema.fields);
  // Who takes batches as they are stored takes them without encodings.
  const encoder = maxRows === Infinity ? undefined : new ColumnEncoder(fields);
  const sentFields = encoder?.fields ?? fields;
  yield toFlight(encodeSchemaMessage({ fields: sentFields, metadata: new Map() }));
  const topic = messageTopic(sequence, name, schema);
  const coder: BodyCoder = { compress: (bytes) => engine.compress(bytes), allocate: takeBytes };
  const progress = new Progress();
  function* sentColumns(columns: Columns): Generator<FlightParts> {
    if (sentFields === fields) yield* sent(encodeBatch(columns, coder));
    else {
      for (const { dictionaries, columns: batch } of encoded(encoder!, fields, columns)) {
        for (const { id, columns } of dictionaries) yield* sent(encodeDictionaryBatch(id, columns, coder));
        yield* sent(encodeBatch(batch, coder));
      }
    }
  }
  async function* sendBlocks(blocks: BlockSource): AsyncGenerator<FlightParts> {
    try {
      for (let block = await blocks.next(); block; block = await blocks.next()) {
        const { length, batches, runs, rows } = block;
        progress.note(length, (row) => batches[runs[row]]!.times[rows[row]]);
        for (const { columns } of blockColumns(block)) {
          for (const part of partsOf(columns, fields)) yield* sentColumns(part);
        }
      }
    } finally {
      blocks.close();
    }
  }
  const runs = source.runs(window, signal, { mayReuse: true });
  try {
    for await (const run of walkRuns(runs)) {
      if (!isAlone(run, runs)) {
        const overlapping = [{ topic, source: new OverlappingRuns(run, runs) }];
        yield* sendBlocks(new RowBlocks(engine, overlapping, MAX_OPEN_BYTES));
        continue;
      }
      const { batch: { times, message }, from, to } = run;
      progress.note(to - from, (row) => times[from + row]);
      if (sentFields === schema.fields && isReady(run, maxRows)) yield* sent(message);
      else for (const part of partsOfRun(run, fields)) yield* sentColumns(part);
    }
  } catch (reason) {
    if (!isWrittenAnew(reason)) throw reason;
    const blocksOf = (part: Window) =>
      new RowBlocks(engine, [{ topic, source: source.runs(part, signal) }], MAX_OPEN_BYTES);
    const reopen = async () => {
      source = await reopened(source);
    };
    yield* sendBlocks(new ResumingBlocks(undefined, window, blocksOf, reopen, progress));
  }
}

/** Columns in their encodings, in halves where a dictionary has too many values for its indices. */
function* encoded(
  encoder: ColumnEncoder,
  fields: readonly FieldSchema[],
  columns: Columns,
): Generator<EncodedColumns> {
  const { rows } = columns;
  const whole = encoder.encode(columns);
  if (whole) yield whole;
  else if (rows > 1) {
    for (const half of cutColumns(fields, columns, Math.ceil(rows / 2))) {
      yield* encoded(encoder, fields, half);
    }
  } else {
    throw new SmaltiError(
      "UNSUPPORTED",
      "A row has more values than its dictionary's indices can tell apart",
    );
  }
}

/** A message that nobody else has. */
function* sent(message: Uint8Array): Generator<FlightParts> {
  const parts = toFlight(message);
  yield parts;
  // Back-pressure: the transport asks for the next message only once it has written a large one, whose buffer goes back
  // to the pool then. A small one may still be queued.
  if (parts.dataBody.length >= WAITED_BYTES) giveBytes(message);
}

/** Whether every row of a batch still closed comes after its last one. */
function isAlone(run: Run, { nextNs }: RunSource): boolean {
  return nextNs === undefined || nextNs > lastTime(run);
}

/** Whether the batch can go out as it is stored. Others than ours may be compressed in another way. */
function isReady({ batch: { rows, message, headerCrc }, from, to }: Run, maxRows: number): boolean {
  const isWhole = from === 0 && to === rows && headerCrc !== undefined;
  return isWhole && rows <= maxRows && (message.length <= TARGET_ENCODE_BYTES || rows === 1);
}

/** A batch's rows in batches of the sizes that are wanted. */
function* partsOfRun({ batch, from, to }: Run, fields: readonly FieldSchema[]): Generator<Columns> {
  for (let at = from; at < to; at += MAX_ROWS) {
    yield* partsOf(take([batch.table], rangePicks(at, Math.min(to, at + MAX_ROWS))), fields);
  }
}

/** Columns in batches of one size, of about the bytes that are aimed at. */
function partsOf(columns: Columns, fields: readonly FieldSchema[]): Generator<Columns> {
  const parts = Math.max(1, Math.ceil(bytesIn(columns) / TARGET_ENCODE_BYTES));
  return cutColumns(fields, columns, Math.max(1, Math.ceil(columns.rows / parts)));
}

/** A half-open range as inclusive bounds. INVALID_ARGUMENT where its start is after its end. */
export function windowOf({ startNs, endNs }: { startNs?: bigint; endNs?: bigint }): Window {
  if (startNs !== undefined && endNs !== undefined && startNs > endNs) {
    const text = `Window is from ${startNs} to ${endNs} ns: wanted its start at or before its end`;
    throw new SmaltiError("INVALID_ARGUMENT", text);
  }
  return { firstNs: startNs ?? MIN_NS, lastNs: endNs === undefined ? MAX_NS : endNs - 1n };
}
