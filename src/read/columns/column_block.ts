import { typeName } from "../../schema.ts";
import type { Column, NumberColumn } from "./column.ts";

const WORD = 2 ** 32;

/**
 * Rows in strict order as columns. It and its arrays are valid for as long as they are kept: nothing is written into them
 * once they are out, unless a stream was asked to `reuse` them. Of which streams they are copies, the caller's own to change and to transfer, is told there.
 */
export class ColumnBlock<N extends string = string> {
  /** Rows in it; at least one. */
  readonly length: number;
  /** Names of the topics that are read, in ASCII order; the same list in every block of a stream. */
  readonly topics: readonly string[];
  /** Time of each row in nanoseconds, ascending; descending in a stream that goes backwards. */
  readonly timestampNs: BigInt64Array;
  /** The fields that were asked for, by name. An object without a prototype. */
  readonly columns: Readonly<Record<N, Column>>;
  #topicIndex: Int32Array | number;
  readonly #allocate: ((bytes: number) => ArrayBuffer) | undefined;

  /**
   * @internal Made by streamers.
   * @param topicIndex The one topic, or each row's.
   * @param allocate Gives buffers of what is made later. @default fresh ones
   */
  constructor(
    topics: readonly string[],
    topicIndex: Int32Array | number,
    timestampNs: BigInt64Array,
    columns: Readonly<Record<N, Column>>,
    allocate?: (bytes: number) => ArrayBuffer,
  ) {
    this.#allocate = allocate;
    this.length = timestampNs.length;
    this.topics = topics;
    this.timestampNs = timestampNs;
    this.columns = columns;
    this.#topicIndex = topicIndex;
  }

  /** For each row the index of its topic in `topics`. A copy in every stream. */
  get topicIndex(): Int32Array {
    const index = this.#topicIndex;
    if (typeof index !== "number") return index;
    return this.#topicIndex = new Int32Array(this.length).fill(index);
  }

  /**
   * Times as nanoseconds from a moment on, such as the recording's first: made anew at every call, and exact while they are
   * below 2^53 (104 days).
   *
   * @param fromNs The moment. @default the first row's time
   */
  offsetsNs(fromNs: bigint = this.timestampNs[0]): Float64Array {
    const { buffer, byteOffset } = this.timestampNs;
    const words = new Int32Array(buffer, byteOffset, 2 * this.length);
    const [low, high] = new Int32Array(BigInt64Array.of(fromNs).buffer);
    const bytes = Float64Array.BYTES_PER_ELEMENT * this.length;
    const offsets = new Float64Array(this.#allocate?.(bytes) ?? new ArrayBuffer(bytes), 0, this.length);
    // In two halves: a bigint for each would take most of the time.
    for (let i = 0; i < offsets.length; i++) {
      offsets[i] = (words[2 * i + 1] - high) * WORD + ((words[2 * i] >>> 0) - (low >>> 0));
    }
    return offsets;
  }

  /** A column that holds numbers of up to 32 bits or floats. TypeError where it holds something else. */
  numbers(name: N): NumberColumn {
    const column: Column | undefined = this.columns[name];
    if (column?.kind === "number") return column;
    const is = column ? typeName(column.field) : `none of ${Object.keys(this.columns).join(", ")}`;
    throw new TypeError(
      `Cannot give column "${name}" as numbers: it is ${is}, wanted floats or integers of up to 32 bits`,
    );
  }
}
