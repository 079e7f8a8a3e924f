/**
 * DoGet: one topic's rows in a window, in time order.
 *
 * @module
 */
import type { Columns } from "../../arrow/columns.ts";
import { encodeBatch, encodeSchemaMessage } from "../../arrow/encode.ts";
import { sliceColumns } from "../../arrow/rearrange.ts";
import type { Backend } from "../../backend.ts";
import { blockColumns } from "../../read/block_columns.ts";
import { messageTopic } from "../../read/message.ts";
import { RowBlocks } from "../../read/row_blocks.ts";
import { MAX_NS, MIN_NS, type Window } from "../../types.ts";
import { type FlightParts, toFlight } from "../ipc.ts";
import { parseTopicLocator } from "../locator.ts";
import { TARGET_ENCODE_BYTES } from "../protocol.ts";
import { decodeTicket } from "../ticket.ts";

/** Bound on what one stream holds of the topic; see `maxBufferedBytes` of a streamer. */
const MAX_OPEN_BYTES = 256 * 2 ** 20;

/** A topic's schema, then its batches: at most 8192 rows each, none without rows, buffers as LZ4 frames. */
export async function* getTopic(
  backend: Backend,
  ticket: Uint8Array,
  signal: AbortSignal,
): AsyncGenerator<FlightParts> {
  const { locator, ...range } = decodeTicket(ticket);
  const { sequence, topic: name } = parseTopicLocator(locator);
  const { engine } = backend;
  const source = await (await backend.openSequence(sequence)).openTopic(name);
  const { schema } = source;
  yield toFlight(encodeSchemaMessage({ fields: schema.fields, metadata: new Map() }));
  const runs = source.runs(windowOf(range), signal);
  const blocks = new RowBlocks(
    engine,
    [{ topic: messageTopic(sequence, name, schema), source: runs }],
    MAX_OPEN_BYTES,
  );
  try {
    for (let block = await blocks.next(); block; block = await blocks.next()) {
      for (const { columns } of blockColumns(block)) {
        for (const part of messageParts(columns)) {
          const whole = part.rows === columns.rows
            ? columns
            : sliceColumns(schema.fields, columns, part.from, part.from + part.rows);
          yield toFlight(encodeBatch(whole, { compress: (bytes) => engine.compress(bytes) }));
        }
      }
    }
  } finally {
    blocks.close();
  }
}

/** Rows in messages of about the size that is aimed at. */
function* messageParts({ rows, buffers }: Columns): Generator<{ from: number; rows: number }> {
  const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  const step = Math.max(1, Math.ceil(rows / Math.max(1, Math.ceil(bytes / TARGET_ENCODE_BYTES))));
  for (let from = 0; from < rows; from += step) yield { from, rows: Math.min(step, rows - from) };
}

/** A half-open range as inclusive bounds. */
export function windowOf({ startNs, endNs }: { startNs?: bigint; endNs?: bigint }): Window {
  return { firstNs: startNs ?? MIN_NS, lastNs: endNs === undefined ? MAX_NS : endNs - 1n };
}
