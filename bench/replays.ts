/**
 * A replay of the recording in each way that there is. All give the time and one float of each message, and check both.
 *
 * @module
 */
import type { ColumnStreamer, MessageBlock, MessageCursor, SequenceHandler } from "../mod.ts";
import { check } from "./compare.ts";
import type { Facts } from "./recording.ts";

/** What a reader found. Adding floats in another order gives another sum, so the sum proves the order too. */
export class Tally {
  #count = 0;
  #sum = 0;
  #last = 0n;
  /** Takes a message. */
  add(time: bigint, x: number): void {
    this.#count++;
    this.#sum += x;
    this.#last = time;
  }
  /** Throws unless it found what was wanted. */
  check(wanted: Facts): void {
    check("count", this.#count, wanted.count);
    check("sum", this.#sum, wanted.sum);
    check("last time", this.#last, wanted.last);
  }
}

/** Replays all messages one by one, and checks what was found. */
export async function replayMessages(handler: SequenceHandler, wanted: Facts): Promise<void> {
  const seen = new Tally();
  for await (const [, message] of handler.getDataStreamer()) {
    seen.add(message.timestampNs, message.data.acceleration.x);
  }
  seen.check(wanted);
}

/** The same block by block. */
export async function replayBatches(handler: SequenceHandler, wanted: Facts): Promise<void> {
  const seen = new Tally();
  for await (const block of handler.getDataStreamer().batches()) {
    for (const [, message] of block) seen.add(message.timestampNs, message.data.acceleration.x);
  }
  seen.check(wanted);
}

/** The same block by block, a message at a time by its place. */
export async function replayBlocks(handler: SequenceHandler, wanted: Facts): Promise<void> {
  const seen = new Tally();
  for await (const block of handler.getDataStreamer().batches()) {
    for (let i = 0; i < block.length; i++) {
      const [, message] = block.at(i)!;
      seen.add(message.timestampNs, message.data.acceleration.x);
    }
  }
  seen.check(wanted);
}

/** The messages of one topic. */
export async function replayTopic(
  handler: SequenceHandler,
  wanted: Facts & { topic: string },
): Promise<void> {
  const seen = new Tally();
  const topic = await handler.topicHandler(wanted.topic);
  for await (const block of topic.getDataStreamer().batches()) {
    for (const message of block) {
      seen.add(message.timestampNs, message.data.acceleration.x);
    }
  }
  seen.check(wanted);
}

/** The same by cursors, which give times as plain numbers. */
export async function replayCursors(handler: SequenceHandler, wanted: Facts): Promise<void> {
  await sumCursors(handler.getDataStreamer().batches(), handler.firstNs!, wanted);
}

/** The messages of one topic by cursors. */
export async function replayTopicCursors(
  handler: SequenceHandler,
  wanted: Facts & { topic: string },
): Promise<void> {
  const topic = await handler.topicHandler(wanted.topic);
  await sumCursors(topic.getDataStreamer().batches(), handler.firstNs!, wanted);
}

async function sumCursors(
  blocks: AsyncIterable<MessageBlock<unknown>>,
  fromNs: bigint,
  wanted: Facts,
): Promise<void> {
  let count = 0;
  const found = new Float64Array(2);
  for await (const block of blocks) count += addCursor(found, block.cursor(fromNs));
  check("count", count, wanted.count);
  check("sum", found[0], wanted.sum);
  check("last time", fromNs + BigInt(found[1]), wanted.last);
}

/** Adds the values of a block to the sum so far, in `found` before the last time, as {@linkcode addRows}. Returns how many. */
function addCursor(found: Float64Array, cursor: MessageCursor): number {
  let sum = found[0];
  let offset = found[1];
  let count = 0;
  let late = 0;
  while (cursor.next()) {
    const { offsetNs } = cursor;
    if (offsetNs < offset) late++;
    offset = offsetNs;
    sum += cursor.data.acceleration.x;
    count++;
  }
  if (late > 0) throw new Error(`${late} rows are earlier than the one before`);
  found[0] = sum;
  found[1] = offset;
  return count;
}

/** Time, topic and the float of every message as columns. */
export async function replayColumns(handler: SequenceHandler, wanted: Facts, reuse = false): Promise<void> {
  await sumColumns(handler.getColumnStreamer({ fields: ["acceleration.x"], reuse }), wanted);
}

/** The same of one topic. */
export async function replayTopicColumns(
  handler: SequenceHandler,
  wanted: Facts & { topic: string },
  reuse = false,
): Promise<void> {
  const topic = await handler.topicHandler(wanted.topic);
  await sumColumns(topic.getColumnStreamer({ fields: ["acceleration.x"], reuse }), wanted);
}

/** Adds in the order of the rows, and looks at the order of the times. */
async function sumColumns(blocks: ColumnStreamer<"acceleration.x">, wanted: Facts): Promise<void> {
  let [count, first, last] = [0, 0n, 0n];
  const found = new Float64Array(2);
  for await (const block of blocks) {
    const { values } = block.numbers("acceleration.x");
    if (count === 0) first = block.timestampNs[0];
    addRows(found, values, block.offsetsNs(first));
    count += block.topicIndex.length;
    last = block.timestampNs[block.length - 1];
  }
  check("count", count, wanted.count);
  check("sum", found[0], wanted.sum);
  check("last time", last, wanted.last);
}

/** Adds the values of a block to the sum so far, in `found` before the last time. In an async function V8 makes an object of every float. */
function addRows(found: Float64Array, values: ArrayLike<number>, offsets: Float64Array): void {
  let sum = found[0];
  let offset = found[1];
  let late = 0;
  for (let i = 0; i < offsets.length; i++) {
    if (offsets[i] < offset) late++;
    sum += values[i];
    offset = offsets[i];
  }
  if (late > 0) throw new Error(`${late} rows are earlier than the one before`);
  found[0] = sum;
  found[1] = offset;
}
