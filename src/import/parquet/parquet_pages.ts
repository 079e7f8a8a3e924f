/**
 * Pages of a Parquet column, held against what they claim before hyparquet decodes them: it repeats a value as often as a run
 * says, and goes where lengths say, be it backwards.
 * Format: Apache Parquet Format, "Encodings".
 *
 * @module
 */
import { viewOf } from "../../util/view_of.ts";
import type { PageHeader, SchemaElement } from "hyparquet";
import { SmaltiError } from "../../error.ts";

/** What is used of hyparquet. */
export interface PageDecoders {
  readRleBitPackedHybrid(reader: Reader, width: number, output: number[], length?: number): void;
  deltaBinaryUnpack(reader: Reader, count: number, output: Int32Array | BigInt64Array): void;
}

interface Reader {
  readonly view: DataView;
  offset: number;
}

/** How deep the values of a column are, by the elements on the way to it, the column's own last. */
export interface ColumnDepth {
  /** Their names. */
  readonly path: readonly string[];
  readonly repetition: number;
  readonly definition: number;
  readonly element: SchemaElement;
}

/** Values of a block of deltas at most; writers have 128 to some thousand. */
const MAX_BLOCK = 1 << 24;
const WIDTHS: Readonly<Record<string, number>> = { FLOAT: 4, DOUBLE: 8, INT32: 4, INT64: 8 };

/** Refuses a data page whose runs, blocks or lengths cannot be. CORRUPT; UNSUPPORTED for an encoding that is not checked. */
export function checkPage(
  page: Uint8Array,
  header: PageHeader,
  depth: ColumnDepth,
  decoders: PageDecoders,
  decompress: (bytes: Uint8Array, length: number) => Uint8Array,
  maxBytes: number,
): void {
  // A header may have both, and hyparquet goes by the type.
  const v1 = header.type === "DATA_PAGE" ? header.data_page_header : undefined;
  const v2 = header.type === "DATA_PAGE_V2" ? header.data_page_header_v2 : undefined;
  const { uncompressed_page_size: raw } = header;
  const { repetition, definition } = depth;
  let present: number;
  let data: Uint8Array;
  let encoding: string;
  if (v2) {
    const { num_values: count, repetition_levels_byte_length: reps, definition_levels_byte_length: defs } =
      v2;
    // hyparquet looks at levels where there can be any, whatever their length.
    if (repetition > 0) checkRuns(page.subarray(0, reps), widthOf(repetition), count);
    if (definition > 0) checkRuns(page.subarray(reps, reps + defs), widthOf(definition), count);
    const rest = page.subarray(reps + defs);
    const length = raw - reps - defs;
    data = v2.is_compressed !== false && length > 0 ? decompress(rest, length) : rest;
    present = count - v2.num_nulls;
    encoding = v2.encoding;
  } else if (v1) {
    const { num_values: count } = v1;
    const whole = decompress(page, raw);
    let at = 0;
    present = count;
    if (repetition > 0) at += checkedLevels(whole, at, repetition, count).length + 4;
    if (definition > 0) {
      const levels = checkedLevels(whole, at, definition, count);
      const values = new Array<number>(count);
      decoders.readRleBitPackedHybrid(
        { view: viewOf(levels), offset: 0 },
        widthOf(definition),
        values,
        levels.length,
      );
      present = values.reduce((sum, level) => sum + (level === definition ? 1 : 0), 0);
      at += levels.length + 4;
    }
    data = whole.subarray(at);
    encoding = v1.encoding;
  } else return;
  // Of indices without bits nothing is read in pages of the first version.
  const areZeros = v1 && encoding.endsWith("DICTIONARY") && data[0] === 0;
  if (!areZeros) checkValues(data, encoding, present, depth.element, decoders, maxBytes);
}

function checkValues(
  data: Uint8Array,
  encoding: string,
  count: number,
  { type, type_length = 0 }: SchemaElement,
  decoders: PageDecoders,
  maxBytes: number,
): void {
  if (count === 0) return;
  const reader = { view: viewOf(data), offset: 0 };
  switch (encoding) {
    case "PLAIN":
      if (count * plainBytes(type, type_length) > data.length) throw damaged("values");
      return;
    case "RLE":
      return checkRuns(data.subarray(4), 1, count);
    case "PLAIN_DICTIONARY":
    case "RLE_DICTIONARY":
      return checkRuns(data.subarray(1), data[0], count);
    case "BYTE_STREAM_SPLIT":
      if (count * (WIDTHS[type ?? ""] ?? type_length) > data.length) throw damaged("values");
      return;
    case "DELTA_BINARY_PACKED":
    case "DELTA_LENGTH_BYTE_ARRAY":
      return checkBlocks(reader);
    case "DELTA_BYTE_ARRAY": {
      const [prefixes, suffixes] = [0, 1].map(() => {
        checkBlocks(reader);
        const lengths = new Int32Array(count);
        decoders.deltaBinaryUnpack(reader, count, lengths);
        return lengths;
      });
      let before = 0;
      let bytes = 0;
      for (let i = 0; i < count; i++) {
        if (prefixes[i] < 0 || prefixes[i] > before || suffixes[i] < 0) throw damaged("lengths");
        before = prefixes[i] + suffixes[i];
        bytes += before;
        if (bytes > maxBytes) throw new SmaltiError("TOO_LARGE", `a page holds more than ${maxBytes} bytes`);
      }
      return;
    }
    default:
      throw new SmaltiError("UNSUPPORTED", `it has a page in encoding ${encoding}`);
  }
}

/** Levels with their length before them. */
function checkedLevels(page: Uint8Array, at: number, most: number, count: number): Uint8Array {
  if (at + 4 > page.length) throw damaged("levels");
  const length = viewOf(page).getUint32(at, true);
  if (length > page.length - at - 4) throw damaged("levels");
  const levels = page.subarray(at + 4, at + 4 + length);
  checkRuns(levels, widthOf(most), count);
  return levels;
}

/** Bytes of a value at least. */
function plainBytes(type: SchemaElement["type"], length: number): number {
  switch (type) {
    case "BOOLEAN":
      return 1 / 8;
    case "INT96":
      return 12;
    case "BYTE_ARRAY":
      return 4; // its length
    default:
      return WIDTHS[type ?? ""] ?? length;
  }
}

/** Refuses runs of more values than there are, or fewer: hyparquet goes on in what follows, whatever that is. */
function checkRuns(bytes: Uint8Array, width: number, count: number): void {
  if (!(width <= 32)) throw damaged("runs");
  const reader = { view: viewOf(bytes), offset: 0 };
  const valueBytes = (width + 7) >> 3;
  let seen = 0;
  while (seen < count && reader.offset < bytes.length) {
    const header = varint(reader);
    const length = header >>> 1;
    if ((header & 1) === 0) {
      if (length > count - seen) throw damaged("runs");
      seen += length;
      reader.offset += valueBytes;
    } else {
      // The last group may be filled up, and cut.
      if (length > Math.ceil((count - seen) / 8)) throw damaged("runs");
      seen += 8 * length;
      reader.offset += length * width;
    }
  }
  if (seen < count) throw damaged("runs");
}

/** Refuses blocks of deltas that are none, with the reader where they begin. */
function checkBlocks({ view, offset }: Reader): void {
  const reader = { view, offset };
  const block = varint(reader);
  const parts = varint(reader);
  const isSound = block > 0 && block <= MAX_BLOCK && parts > 0 && block % parts === 0 &&
    block / parts % 8 === 0;
  if (!isSound) throw damaged("blocks");
}

/** As hyparquet reads it: of more than 32 bits some are lost. */
function varint(reader: Reader): number {
  let value = 0;
  for (let shift = 0;; shift += 7) {
    if (reader.offset >= reader.view.byteLength) throw damaged("numbers");
    const byte = reader.view.getUint8(reader.offset++);
    value |= (byte & 0x7f) << shift;
    if ((byte & 0x80) === 0) return value;
  }
}

/** Bits that a level takes. */
function widthOf(most: number): number {
  return 32 - Math.clz32(most);
}

function damaged(what: string): SmaltiError {
  return new SmaltiError("CORRUPT", `it has a page whose ${what} cannot be`);
}

/** The depths of all leaves below an element, in their order. */
export function depthsOf(elements: readonly SchemaElement[], from: number): ColumnDepth[] {
  const depths: ColumnDepth[] = [];
  let at = from;
  const visit = (repetition: number, definition: number, above: readonly string[]) => {
    const element = elements[at++];
    const { repetition_type: kind, num_children: count = 0 } = element;
    const reps = repetition + (kind === "REPEATED" ? 1 : 0);
    const defs = definition + (kind === "REQUIRED" ? 0 : 1);
    const path = [...above, element.name];
    if (element.type !== undefined) depths.push({ path, repetition: reps, definition: defs, element });
    for (let i = 0; i < count; i++) visit(reps, defs, path);
  };
  visit(0, 0, []);
  return depths;
}
