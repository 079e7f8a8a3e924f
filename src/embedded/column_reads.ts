import { buildVectors } from "../arrow/build_vectors.ts";
import { rowWidth } from "../arrow/columns.ts";
import type { Dictionary } from "../arrow/encoded_vector.ts";
import type { Vector } from "../arrow/vector.ts";
import type { Engine } from "../engine.ts";
import { decodeFrame } from "../engine/batch_message.ts";
import { SmaltiError } from "../error.ts";
import type { FieldSchema } from "../schema.ts";
import type { BufferUse } from "../store/store.ts";
import type { TopicBytes } from "./topic_footer.ts";
import type { TopicIndex } from "./topic_index.ts";

/** Parts of a batch are read where they are at most this part of it... */
const MOST_PART = 1 / 4;
/** ...and at least so many bytes are left out: each part is a read more, and where reads share requests it would be one of these. */
const [LEAST_SAVED, LEAST_SAVED_SHARED] = [64 * 1024, 2 ** 20];
/** Ranges nearer than this are read as one. */
const NEAR_BYTES = 4096;
/** Bytes of a batch's head: those of any, and for each column. */
const [HEAD_BYTES, COLUMN_HEAD_BYTES] = [512, 192];

/** A file whose batches are read. */
export interface ColumnFile {
  readonly file: TopicBytes;
  readonly engine: Engine;
  /** Columns of its table. */
  readonly fields: readonly FieldSchema[];
  readonly dictionaries: ReadonlyMap<bigint, Dictionary>;
  readonly index: TopicIndex;
  /** Whether reads share requests, which are dear. @default false */
  readonly isShared?: boolean;
}

/** A range of bytes: the first, and the one after the last. */
type Range = [from: number, to: number];

/**
 * Reads of batches of which only times and some columns are wanted: the head of each tells where they are. Where they are most
 * of the first batch, all are read whole.
 */
export class ColumnReads {
  readonly #source: ColumnFile;
  readonly #paths: readonly (readonly number[])[];
  readonly #headBytes: number;
  readonly #leastSaved: number;
  #isWorthIt: boolean;
  /** Messages of which a part was read. */
  readonly #parts = new WeakSet<Uint8Array>();

  /** @param paths Places of fields on the way to each column, from the table's. */
  constructor(source: ColumnFile, paths: readonly (readonly number[])[]) {
    this.#source = source;
    this.#paths = paths;
    this.#headBytes = HEAD_BYTES + COLUMN_HEAD_BYTES * columnsIn(source.fields);
    this.#leastSaved = source.isShared ? LEAST_SAVED_SHARED : LEAST_SAVED;
    this.#isWorthIt = mayBeWorthIt(source.fields, paths);
  }

  /** The message of a batch, in which what is not wanted may be zeros. */
  async readBatch(number: number, signal?: AbortSignal, use?: BufferUse): Promise<Uint8Array> {
    const { file, index } = this.#source;
    const [offset, length] = [index.offset[number], index.length[number]];
    const part = this.#isWorthIt && length > this.#leastSaved + this.#headBytes
      ? await this.#readPart(offset, length, signal)
      : undefined;
    if (part) this.#parts.add(part);
    return part ?? await file(offset, length, signal, use);
  }

  /** Whether a message that it read is not whole. */
  isPart(message: Uint8Array): boolean {
    return this.#parts.has(message);
  }

  /** Undefined where it must be read whole, also since it is damaged: who opens it tells how. */
  async #readPart(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const { file } = this.#source;
    const head = await file(offset, this.#headBytes, signal);
    // Not a buffer that was used before: it would have to be cleared.
    const message = new Uint8Array(length);
    message.set(head.subarray(0, length));
    const ranges = this.#rangesOf(message, head.length);
    if (!ranges) return undefined;
    const bytes = ranges.reduce((sum, [from, to]) => sum + to - from, 0);
    if (bytes > length * MOST_PART || length - bytes < this.#leastSaved) {
      this.#isWorthIt = false;
      return undefined;
    }
    const parts = await Promise.all(ranges.map(([from, to]) => file(offset + from, to - from, signal)));
    for (const [i, [from, to]] of ranges.entries()) {
      if (parts[i].length !== to - from) return undefined;
      message.set(parts[i], from);
    }
    return message;
  }

  /** Where in a message the wanted buffers are, beyond those of its bytes that are there. */
  #rangesOf(message: Uint8Array, present: number): Range[] | undefined {
    const { engine, fields, dictionaries } = this.#source;
    try {
      const frame = decodeFrame(message);
      if (!frame || frame.headBytes > present) return undefined;
      const layout = engine.parseBatch(message);
      const shape = { ...layout, bufferCount: layout.buffers.length / 2 };
      const table = buildVectors(fields, shape, { buffer: () => new Uint8Array(0) }, dictionaries);
      const found: Range[] = [];
      for (const buffer of buffersOf(table, this.#paths, shape.bufferCount)) {
        const from = layout.buffers[2 * buffer];
        const to = from + layout.buffers[2 * buffer + 1];
        if (to > present) found.push([Math.max(from, present), to]);
      }
      return together(found);
    } catch (reason) {
      if (reason instanceof SmaltiError && reason.code === "CORRUPT") return undefined;
      throw reason;
    }
  }
}

/** Numbers of the buffers of the times and of the columns at paths, with those that tell which of the structs around are missing. */
function buffersOf(
  table: Vector,
  paths: readonly (readonly number[])[],
  bufferCount: number,
): Set<number> {
  const found = new Set<number>();
  for (const path of [[0], ...paths]) {
    let vector = table;
    let end = bufferCount;
    for (const place of path) {
      if (vector !== table) found.add(vector.at);
      end = vector.children[place + 1]?.at ?? end;
      vector = vector.children[place];
    }
    for (let buffer = vector.at; buffer < end; buffer++) found.add(buffer);
  }
  return found;
}

/** Ranges in their order, those that are near as one. */
function together(ranges: Range[]): Range[] {
  const joined: Range[] = [];
  for (const [from, to] of ranges.sort(([a], [b]) => a - b)) {
    const last = joined.at(-1);
    if (last && from - last[1] <= NEAR_BYTES) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

/** Whether some columns may be a small part of the others; where all are of fixed width, that is known. */
function mayBeWorthIt(fields: readonly FieldSchema[], paths: readonly (readonly number[])[]): boolean {
  if (!fields.every(isFixed)) return true;
  const width = (some: readonly FieldSchema[]) => some.reduce((sum, field) => sum + rowWidth(field), 0);
  const wanted = new Set([[0], ...paths].map((path) => fieldAt(fields, path)));
  // Some of them may be compressed well.
  return width([...wanted]) < 2 * MOST_PART * width(fields);
}

function fieldAt(fields: readonly FieldSchema[], [place, ...rest]: readonly number[]): FieldSchema {
  return rest.length === 0 ? fields[place] : fieldAt(fields[place].children, rest);
}

function isFixed({ type, children }: FieldSchema): boolean {
  if (type.kind === "struct" || type.kind === "fixedList") return children.every(isFixed);
  return ["int", "float", "temporal", "bool", "decimal", "fixedBinary", "null"].includes(type.kind);
}

function columnsIn(fields: readonly FieldSchema[]): number {
  return fields.reduce((sum, { children }) => sum + 1 + columnsIn(children), 0);
}
