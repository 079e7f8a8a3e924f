/**
 * Columns -> a Parquet file, row group by row group. The pages of columns are ours; Snappy, pages' headers and the
 * footer are hyparquet-writer's, whose own pages want an object for each value.
 *
 * @module
 */
import type { KeyValue, ParquetWriter } from "hyparquet-writer";
import type { Columns } from "../../arrow/columns.ts";
import { vectorsOf } from "../../arrow/rearrange.ts";
import type { FieldSchema } from "../../schema.ts";
import { TimeSlice } from "../../util/time_slice.ts";
import { VERSION } from "../../version.ts";
import { type ColumnChunk, ColumnWriter, leafElements } from "./parquet_column.ts";
import { elementsOf } from "./parquet_elements.ts";
import { leavesOf } from "./parquet_levels.ts";

/** A file that is being written. */
export interface ParquetFile {
  /** Adds a row group. CORRUPT. */
  add(columns: Columns): Promise<void>;
  /** Ends the file. */
  finish(): Promise<void>;
}

/** Begins a file of a table. `write` takes bytes, which are its own from then on. UNSUPPORTED as {@linkcode elementsOf}. */
export async function openParquet(
  fields: readonly FieldSchema[],
  kvMetadata: KeyValue[],
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<ParquetFile> {
  const [{ ByteWriter, ParquetWriter }, { writePageHeader }, { snappyCompress }] = await Promise.all([
    import("hyparquet-writer"),
    import("hyparquet-writer/src/datapage.js"),
    import("hyparquet-writer/src/snappy.js"),
  ]);
  const schema = elementsOf(fields);
  const elements = leafElements(schema);
  const bytes = new ByteWriter();
  const parquet = new ParquetWriter({ writer: bytes, schema, kvMetadata, createdBy: `smalti ${VERSION}` });
  const slice = new TimeSlice();
  const flush = async () => {
    await write(bytes.getBytes().slice());
    bytes.index = 0;
  };
  const writer = new ColumnWriter(bytes, { writePageHeader, snappyCompress }, flush);
  return {
    async add(columns) {
      const chunks: ColumnChunk[] = [];
      for (const column of vectorsOf(fields, columns).children) {
        for (const leaf of leavesOf(column)) {
          await slice.pause();
          chunks.push(await writer.write(leaf, elements[chunks.length]));
        }
      }
      parquet.row_groups.push(rowGroup(chunks, columns.rows));
      parquet.num_rows += BigInt(columns.rows);
    },
    async finish() {
      await parquet.finish();
      await flush();
    },
  };
}

function rowGroup(columns: ColumnChunk[], rows: number): ParquetWriter["row_groups"][number] {
  let [total_byte_size, total_compressed_size] = [0n, 0n];
  for (const { meta_data } of columns) {
    total_byte_size += meta_data!.total_uncompressed_size;
    total_compressed_size += meta_data!.total_compressed_size;
  }
  return { columns, total_byte_size, total_compressed_size, num_rows: BigInt(rows) };
}
