/**
 * Rows of one topic as pieces of columns.
 *
 * @module
 */
import { isEncoded } from "../arrow/encoded_vector.ts";
import { vectorsOf } from "../arrow/rearrange.ts";
import type { StructVector } from "../arrow/vector.ts";
import { blockColumns } from "../read/merge/block_columns.ts";
import type { RowBlock } from "../read/merge/row_block.ts";
import { plainFields } from "../schema.ts";

/** Rows one after another in a batch: from one on and up to before another. */
export interface ColumnPiece {
  /** The batch; `timestamp_ns` is its first column. */
  readonly table: StructVector;
  readonly from: number;
  readonly to: number;
}

/** The rows of a block by topic, each in their order, in plain columns, as {@linkcode piecesOf} gives those of one. */
export function topicPieces(block: RowBlock): [topic: string, pieces: ColumnPiece[]][] {
  const { runs, length, batches } = block;
  const { name } = batches[runs[0]]!;
  let at = 1;
  while (at < length && batches[runs[at]]!.name === name) at++;
  if (at === length) return [[name, piecesOf(block)]];
  const schemas = new Map(batches.map((batch) => [batch?.name, batch?.topic.schema]));
  return blockColumns(block).map(({ topic, columns }) => {
    const table = vectorsOf(plainFields(schemas.get(topic)!.fields), columns);
    return [topic, [{ table, from: 0, to: columns.rows }]];
  });
}

/** Where batches take turns more often than this on average, rows are gathered. */
const LEAST_ROWS = 64;

/** The rows of a block, all of one topic, in their order, in plain columns: views on its batches, unless many overlap in time. */
export function piecesOf(block: RowBlock): ColumnPiece[] {
  const { runs, rows, length, batches } = block;
  const pieces: ColumnPiece[] = [];
  for (let from = 0; from < length;) {
    let to = from + 1;
    while (to < length && runs[to] === runs[from] && rows[to] === rows[to - 1] + 1) to++;
    pieces.push({ table: batches[runs[from]]!.batch.table, from: rows[from], to: rows[to - 1] + 1 });
    from = to;
  }
  const areLong = pieces.length === 1 || length >= LEAST_ROWS * pieces.length;
  if (areLong && !pieces.some(({ table }) => isEncoded(table))) return pieces;
  const [{ columns }] = blockColumns(block);
  const fields = plainFields(batches[runs[0]]!.topic.schema.fields);
  return [{ table: vectorsOf(fields, columns), from: 0, to: length }];
}
