/**
 * Reads a file's detail: bounds of blocks of rows, which `DetailBuilder` collected.
 *
 * @module
 */
import { BlockBounds, type BlockPart } from "../arrow/block_bounds.ts";
import { boundedColumns } from "../arrow/bounds.ts";
import type { Footer } from "../arrow/decode.ts";
import { hexCrc } from "../arrow/stored_batch.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import type { FieldSchema } from "../schema.ts";
import { blockRowsOf, DETAIL, unpackPart } from "./detail_part.ts";
import { blockStarts } from "./bounded_batches.ts";
import type { TopicBytes } from "./topic_footer.ts";

/** Where a part of the detail is. */
interface Place {
  readonly offset: number;
  readonly length: number;
  readonly crc: string;
}

/** Where the detail of a file is. */
export interface DetailPlaces {
  /** First times of the blocks. */
  readonly times: Place;
  /** By path; columns without detail are not in it. */
  readonly columns: ReadonlyMap<string, Place>;
}

/** Where a file's detail is, which ends at an offset; undefined where there is none, or what the footer says of it makes no sense. */
export function detailPlaces(
  { metadata }: Footer,
  fields: readonly FieldSchema[],
  end: number,
): DetailPlaces | undefined {
  const paths = boundedColumns(fields);
  const facts = parsed(metadata.get(DETAIL));
  if (facts?.length !== 1 + paths.length) return undefined;
  let offset = end - facts.reduce((sum, [length]) => sum + length, 0);
  if (!(offset >= 0)) return undefined;
  const [times, ...columns] = facts.map(([length, crc]): Place => {
    offset += length;
    return { offset: offset - length, length, crc };
  });
  const isThere = ({ length }: Place) => length > 0;
  return {
    times,
    columns: new Map(paths.flatMap((path, i) => isThere(columns[i]) ? [[path, columns[i]]] : [])),
  };
}

/** Length and checksum of each part; undefined where that is not what the text says. */
function parsed(text: string | undefined): [length: number, crc: string][] | undefined {
  try {
    const json: unknown = JSON.parse(text ?? "");
    const isFact = (fact: unknown): fact is [number, string] =>
      Array.isArray(fact) && Number.isSafeInteger(fact[0]) && fact[0] >= 0 && typeof fact[1] === "string";
    return Array.isArray(json) && json.every(isFact) ? json : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Parts of a file's detail that were opened. They are kept with the file: of all columns they take 4 MiB at most, and who zooms
 * asks for the same ones again and again.
 */
export class OpenDetail {
  times: BlockPart<BigInt64Array> | undefined;
  readonly columns: Map<string, BlockPart<Float64Array>> = new Map();
}

/** What {@linkcode readDetail} is to read. */
export interface DetailRequest {
  /** Paths of columns. */
  readonly paths: readonly string[];
  /** Rows of each batch. */
  readonly rows: Float64Array;
  readonly signal: AbortSignal | undefined;
  /** What is at hand, and takes what is read. */
  readonly open: OpenDetail;
}

/** The detail of some columns of a file, by their paths; undefined where none of them has any. CORRUPT. */
export async function readDetail(
  file: TopicBytes,
  engine: Engine,
  { times, columns }: DetailPlaces,
  { paths, rows, signal, open }: DetailRequest,
): Promise<BlockBounds | undefined> {
  const found = paths.filter((path) => columns.has(path));
  if (found.length === 0) return undefined;
  const [ofTimes, ...ofColumns] = await Promise.all([
    open.times ??
      readPart(file, engine, times, signal).then((part) =>
        openPart(engine, part, rows, 1, (buffer) => new BigInt64Array(buffer))
      ),
    ...found.map((path) =>
      open.columns.get(path) ??
        readPart(file, engine, columns.get(path)!, signal).then((part) =>
          openPart(engine, part, rows, 2, (buffer) => new Float64Array(buffer))
        )
    ),
  ]);
  for (const { blockRows } of ofColumns) {
    if (blockRows % ofTimes.blockRows === 0) continue;
    throw new SmaltiError("CORRUPT", `Blocks of the detail have ${blockRows} and ${ofTimes.blockRows} rows`);
  }
  open.times = ofTimes;
  for (const [i, path] of found.entries()) open.columns.set(path, ofColumns[i]);
  return new BlockBounds(ofTimes, new Map(found.map((path, i) => [path, ofColumns[i]])));
}

async function readPart(
  file: TopicBytes,
  engine: Engine,
  { offset, length, crc }: Place,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const part = await file(offset, length, signal);
  if (hexCrc(engine.crc32(part)) === crc) return part;
  throw new SmaltiError("CORRUPT", `Detail of the batches at ${offset} does not match its checksum`);
}

function openPart<Values>(
  engine: Engine,
  part: Uint8Array,
  rows: Float64Array,
  perBlock: number,
  view: (buffer: ArrayBuffer) => Values,
): BlockPart<Values> {
  const blockRows = blockRowsOf(part);
  const starts = blockStarts(rows, blockRows);
  const values = view(unpackPart(engine, part, perBlock * starts[rows.length]));
  return { blockRows, starts, values };
}
