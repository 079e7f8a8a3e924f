/**
 * Columns -> the pages of a row group.
 *
 * Source: Apache Parquet Format, "Data Pages" and "Dictionary Encoding".
 *
 * @module
 */
import type { ByteWriter, ParquetWriter, SchemaElement } from "hyparquet-writer";
import type { Utf8Vector } from "../../arrow/vector.ts";
import { ByteBuilder } from "../byte_builder.ts";
import { type Dictionary, dictionaryOf } from "./parquet_dictionary.ts";
import { type Leaf, type Levels, PRESENT } from "./parquet_levels.ts";
import { boundsOf, putBytes, putValues, valueBytes } from "./parquet_values.ts";
import { bitsOf, putRun, putRuns } from "./runs.ts";

/** What a column chunk says of itself in the footer. */
export type ColumnChunk = ParquetWriter["row_groups"][number]["columns"][number];
/** What is used of hyparquet-writer beside its footer. */
export interface PageParts {
  readonly writePageHeader: typeof import("hyparquet-writer/src/datapage.js").writePageHeader;
  readonly snappyCompress: typeof import("hyparquet-writer/src/snappy.js").snappyCompress;
}

/** Bytes of values in a page, about: what readers decompress at once. */
const PAGE_BYTES = 1 << 20;

/** A column of a schema that is not made of others. */
export interface LeafElement {
  readonly element: SchemaElement;
  readonly path: string[];
}

/** The leaves of a schema, in the order of its elements. */
export function leafElements(elements: readonly SchemaElement[]): LeafElement[] {
  const leaves: LeafElement[] = [];
  let at = 0;
  const visit = (above: readonly string[], count: number) => {
    for (let i = 0; i < count; i++) {
      const element = elements[at++];
      const path = [...above, element.name];
      if (element.num_children === undefined) leaves.push({ element, path });
      else visit(path, element.num_children);
    }
  };
  visit([], 1);
  return leaves.map(({ element, path }) => ({ element, path: path.slice(1) }));
}

/** Bytes that are handed over at once, at least. */
const WRITE_BYTES = 1 << 18;

/** Writes leaves as column chunks. Its memory is used again for each. */
export class ColumnWriter {
  readonly #out: ByteWriter;
  readonly #parts: PageParts;
  readonly #flush: () => Promise<void>;
  readonly #levels = new ByteBuilder();
  readonly #values = new ByteBuilder();
  readonly #compressed = new ByteBuilder();

  /** @param flush Hands over what is in `out`, and empties it. */
  constructor(out: ByteWriter, parts: PageParts, flush: () => Promise<void>) {
    this.#flush = flush;
    this.#out = out;
    this.#parts = parts;
  }

  /** Writes one. CORRUPT; what handing over fails with. */
  async write(leaf: Leaf, { element, path }: LeafElement): Promise<ColumnChunk> {
    const { count, valueCount } = leaf.levels;
    const start = this.#out.offset;
    const dictionary = dictionaryOf(leaf);
    let rawSize = dictionary ? this.#writeDictionary(leaf, dictionary) : 0;
    const dataAt = this.#out.offset;
    const pageCount = dictionary ? 1 : Math.ceil(valueBytes(leaf) / PAGE_BYTES);
    const perPage = Math.max(1, Math.ceil(count / Math.max(1, pageCount)));
    for (let from = 0, value = 0; from < count;) {
      let to = Math.min(count, from + perPage);
      // A page begins with a row.
      while (to < count && leaf.levels.repetitions !== null && leaf.levels.repetitions[to] !== 0) to++;
      const end = value + valuesIn(leaf.levels, from, to);
      rawSize += this.#writePage(leaf, from, to, value, end, dictionary);
      from = to;
      value = end;
      if (this.#out.index >= WRITE_BYTES) await this.#flush();
    }
    const bounds = boundsOf(leaf);
    return {
      file_offset: 0n,
      meta_data: {
        type: element.type!,
        encodings: dictionary ? ["PLAIN", "RLE", "RLE_DICTIONARY"] : ["PLAIN", "RLE"],
        path_in_schema: path,
        codec: "SNAPPY",
        num_values: BigInt(count),
        total_uncompressed_size: BigInt(rawSize),
        total_compressed_size: BigInt(this.#out.offset - start),
        data_page_offset: BigInt(dataAt),
        ...(dictionary && { dictionary_page_offset: BigInt(start) }),
        statistics: {
          null_count: BigInt(count - valueCount),
          ...(bounds && { min_value: bounds.min, max_value: bounds.max }),
        },
      },
    };
  }

  #writeDictionary({ vector }: Leaf, { rows }: Dictionary): number {
    const values = this.#values;
    values.clear();
    for (const row of rows) putBytes(vector as Utf8Vector, row, values);
    this.#compressed.clear();
    this.#compressed.raw(this.#parts.snappyCompress(values.written));
    const start = this.#out.offset;
    this.#parts.writePageHeader(this.#out, {
      type: "DICTIONARY_PAGE",
      uncompressed_page_size: values.length,
      compressed_page_size: this.#compressed.length,
      dictionary_page_header: { num_values: rows.length, encoding: "PLAIN" },
    });
    const headBytes = this.#out.offset - start;
    this.#out.appendBytes(this.#compressed.written);
    return headBytes + values.length;
  }

  /** Writes places, which have these values; the page's size uncompressed. */
  #writePage(
    leaf: Leaf,
    from: number,
    to: number,
    firstValue: number,
    endValue: number,
    dictionary: Dictionary | undefined,
  ): number {
    const { maxRepetition, maxDefinition, repetitions, definitions } = leaf.levels;
    const levels = this.#levels;
    levels.clear();
    let rowCount = to - from;
    if (repetitions !== null) {
      putRuns(levels, repetitions, from, to, bitsOf(maxRepetition));
      for (let i = from; i < to; i++) if (repetitions[i] !== 0) rowCount--;
    }
    const repetitionBytes = levels.length;
    if (maxDefinition > 0) {
      const bits = bitsOf(maxDefinition);
      if (definitions === null) putRun(levels, maxDefinition, to - from, bits);
      else {
        const part = definitions.slice(from, to);
        for (let i = 0; i < part.length; i++) if (part[i] === PRESENT) part[i] = maxDefinition;
        putRuns(levels, part, 0, part.length, bits);
      }
    }
    const values = this.#values;
    values.clear();
    if (dictionary) {
      const bits = bitsOf(dictionary.rows.length - 1);
      values.uint8(bits);
      putRuns(values, dictionary.places, firstValue, endValue, bits);
    } else putValues(leaf, firstValue, endValue, values);
    this.#compressed.clear();
    this.#compressed.raw(this.#parts.snappyCompress(values.written));
    const isSmaller = this.#compressed.length < values.length;
    const body = isSmaller ? this.#compressed : values;
    const start = this.#out.offset;
    this.#parts.writePageHeader(this.#out, {
      type: "DATA_PAGE_V2",
      uncompressed_page_size: levels.length + values.length,
      compressed_page_size: levels.length + body.length,
      data_page_header_v2: {
        num_values: to - from,
        num_nulls: to - from - (endValue - firstValue),
        num_rows: rowCount,
        encoding: dictionary ? "RLE_DICTIONARY" : "PLAIN",
        definition_levels_byte_length: levels.length - repetitionBytes,
        repetition_levels_byte_length: repetitionBytes,
        is_compressed: isSmaller,
      },
    });
    const headBytes = this.#out.offset - start;
    this.#out.appendBytes(levels.written);
    this.#out.appendBytes(body.written);
    return headBytes + levels.length + values.length;
  }
}

function valuesIn({ definitions }: Levels, from: number, to: number): number {
  if (definitions === null) return to - from;
  let count = 0;
  for (let i = from; i < to; i++) if (definitions[i] === PRESENT) count++;
  return count;
}
