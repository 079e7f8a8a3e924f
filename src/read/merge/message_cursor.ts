import { isViewOn, moveView, movingClass, type RowView } from "../../arrow/row_view.ts";
import type { Ontology } from "../../ontology/define_ontology.ts";
import { checkOntology, type Message, type MessageData, RowMessage, type TopicBatch } from "./message.ts";
import type { RowBlock } from "./row_block.ts";

const WORD = 2 ** 32;

/** Stands for the batch where the cursor is on no message. */
const NONE: TopicBatch = new Proxy({} as TopicBatch, {
  get: refuse,
});

function refuse(): never {
  throw new TypeError(
    "Cannot read a cursor that is on no message: call next(), and read while it gives true",
  );
}

/**
 * A place among the messages of a block, for plain loops: one object for all of them, where a message is an object each.
 * It begins before the first message.
 *
 * What it tells is of the message that it is on, so nothing may be kept past {@linkcode next} but values: `data` and the
 * structs in it are views that move with the cursor and tell of another message then. Numbers, texts, bytes, lists and
 * the structs in lists stay what they are, as with messages; {@linkcode message} gives a message that stays.
 *
 * Where it is on no message, before the first `next` and once that gave false, reading is a TypeError.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 *
 * await using client = await connect("./recordings");
 * const handler = await client.sequenceHandler("drive_log_01");
 * for await (const block of handler.getDataStreamer({ topics: ["gps/front"] }).batches()) {
 *   const cursor = block.cursor(handler.firstNs);
 *   while (cursor.next()) console.log(cursor.topic, cursor.offsetNs / 1e9, cursor.data.position.x);
 * }
 * ```
 */
export class MessageCursor {
  readonly #block: RowBlock;
  readonly #runs: Int32Array;
  readonly #rows: Int32Array;
  readonly #length: number;
  /** The moment that offsets are from, in halves as {@linkcode TopicBatch.words}. */
  readonly #origin: Int32Array;
  /** A view for each run that was touched. */
  readonly #views: (RowView | undefined)[];
  #at = 0;
  #batch: TopicBatch = NONE;
  #run = 0;
  #row = 0;

  /** @internal Use `cursor` of a {@linkcode MessageBlock}. */
  constructor(block: RowBlock, fromNs: bigint) {
    this.#block = block;
    this.#runs = block.runs;
    this.#rows = block.rows;
    this.#length = block.length;
    this.#origin = new Int32Array(BigInt64Array.of(fromNs).buffer);
    this.#views = block.batches.map(() => undefined);
  }

  /** Moves on to the next message; false at the end of the block. */
  next(): boolean {
    const at = this.#at;
    if (at >= this.#length) {
      this.#batch = NONE;
      return false;
    }
    this.#at = at + 1;
    this.#run = this.#runs[at];
    this.#row = this.#rows[at];
    this.#batch = this.#block.batches[this.#run]!;
    return true;
  }

  /** The topic's name, without a leading `/`. */
  get topic(): string {
    return this.#batch.name;
  }

  /** The tag of the topic's ontology. */
  get ontologyTag(): string {
    return this.#batch.topic.schema.ontologyTag;
  }

  /** Its time, in nanoseconds. A bigint is made at each call, which on Bun takes as long as all the rest: see {@linkcode offsetNs}. */
  get timestampNs(): bigint {
    return this.#batch.clock.getBigInt64(8 * this.#row, true);
  }

  /**
   * Its time as nanoseconds from the moment that the cursor was made with, as a plain number: exact while it is below 2^53
   * (104 days), negative before that moment.
   */
  get offsetNs(): number {
    const { clock } = this.#batch;
    const at = 8 * this.#row;
    const origin = this.#origin;
    return (clock.getInt32(at + 4, true) - origin[1]) * WORD +
      (clock.getUint32(at, true) - (origin[0] >>> 0));
  }

  /** Its fields, as {@linkcode Message.data} has them: a view that moves with the cursor. */
  get data(): MessageData {
    let view = this.#views[this.#run];
    if (view === undefined || !isViewOn(view, this.#batch.columns)) view = this.#newView();
    moveView(view, this.#row);
    return view;
  }

  #newView(): RowView {
    const { row, columns } = this.#batch;
    return this.#views[this.#run] = new (movingClass(row))(columns, 0);
  }

  /** The same with the type of an ontology; INVALID_ARGUMENT as {@linkcode Message.getData}. */
  getData<T>(ontology: Ontology<T>): T {
    const { topic } = this.#batch;
    if (!topic.matching.has(ontology)) checkOntology(topic, ontology);
    return this.data as T;
  }

  /** The message that it is on, to be kept. */
  message(): Message {
    if (this.#batch === NONE) refuse();
    return new RowMessage(this.#batch, this.#row);
  }
}
