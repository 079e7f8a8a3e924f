import type { BlockBounds } from "../arrow/block_bounds.ts";
import { type BatchBounds, blockBoundsOf, boundedColumns, boundsOf } from "../arrow/bounds.ts";
import { decodeSchemaMessage, MAGIC } from "../arrow/decode.ts";
import type { VerifyRequest } from "../backend.ts";
import type { OpenBatch } from "../arrow/stored_batch.ts";
import { type ErrorDetails, SmaltiError } from "../error.ts";
import type { StructVector } from "../arrow/vector.ts";
import { schemaKey } from "../schema.ts";
import type { BufferUse } from "../store/store.ts";
import { jsonText } from "../util/json_text.ts";
import { TimeSlice } from "../util/time_slice.ts";
import { totals } from "../util/totals.ts";
import type { TopicInfo, TopicSchema } from "../types.ts";
import { type BatchBlocks, foldBlocks } from "./batch_summary.ts";
import { checkOrder, type TopicIndex } from "./topic_index.ts";

/** A topic's file, as far as it is looked at here. */
export interface TopicFile {
  readonly info: TopicInfo;
  readonly schema: TopicSchema;
  readonly index: TopicIndex;
  readHead(): Promise<Uint8Array>;
  readBounds(signal?: AbortSignal): Promise<BatchBounds | undefined>;
  loadDetail(paths: readonly string[], signal?: AbortSignal): Promise<BlockBounds | undefined>;
  readBatch(number: number, signal?: AbortSignal, use?: BufferUse): Promise<Uint8Array>;
  openBatch(number: number, bytes?: Promise<Uint8Array>, mayReuse?: boolean): Promise<OpenBatch>;
  place(batch?: number): ErrorDetails;
}

/**
 * Gives every damage of a topic's file: rows and times against the manifest, the checksums of the bounds; and, where it is to
 * look deep, the schema at its start against the one in the footer, and each batch's checksums, order and bounds, also those of
 * its blocks.
 */
export async function verifyTopicFile(
  file: TopicFile,
  { deep, onRows, signal }: VerifyRequest,
): Promise<SmaltiError[]> {
  const errors: SmaltiError[] = [];
  const check = async (batch: number | undefined, body: () => Promise<void>): Promise<void> => {
    signal?.throwIfAborted();
    try {
      await body();
    } catch (reason) {
      // Others than damage are no finding: the check itself could not be made.
      if (
        !(reason instanceof SmaltiError) || !["CORRUPT", "OUT_OF_ORDER", "UNSUPPORTED"].includes(reason.code)
      ) throw reason;
      errors.push(reason.at(file.place(batch)));
    }
  };

  const { rows, firstNs, lastNs } = file.index;
  let bounds: BatchBounds | undefined;
  await check(undefined, async () => {
    bounds = await file.readBounds(signal);
  });
  let detail: BlockBounds | undefined;
  await check(undefined, async () => {
    detail = await file.loadDetail(boundedColumns(file.schema.fields), signal);
  });
  if (deep) {
    await check(undefined, async () => checkHead(await file.readHead(), file));
    let seen = 0;
    const slice = new TimeSlice();
    for (let batch = 0; batch < rows.length; batch++) {
      await slice.pause();
      await check(batch, async () => {
        const open = await file.openBatch(batch, file.readBatch(batch, signal, { mayReuse: true }), true);
        const { table, times } = open;
        table.loadAll();
        checkOrder(times);
        if (bounds) checkBounds(bounds, batch, table);
        if (detail) checkDetail(detail, batch, table, times);
        open.giveBack();
      });
      seen += rows[batch];
      onRows(seen);
    }
  }
  await check(undefined, () => {
    const { info } = file;
    const spans = Array.from(
      rows,
      (rowCount, i) => ({ rowCount, sizeBytes: 0, firstNs: firstNs[i], lastNs: lastNs[i] }),
    );
    const { rowCount: seen, firstNs: first, lastNs: last } = totals(spans);
    if (seen === info.rowCount && first === info.firstNs && last === info.lastNs) return Promise.resolve();
    throw new SmaltiError(
      "CORRUPT",
      `Index has ${seen} rows from ${first} to ${last} ns: the manifest has ${info.rowCount} from ${info.firstNs} to ${info.lastNs}`,
    );
  });
  return errors;
}

/** Readers of streams, and of a file whose footer is lost, go by the schema at the start. */
function checkHead(head: Uint8Array, file: TopicFile): void {
  if (!MAGIC.every((byte, i) => head[i] === byte)) {
    throw new SmaltiError("CORRUPT", "File does not begin as an Arrow file");
  }
  const { fields, metadata } = decodeSchemaMessage(head.subarray(8));
  const same = schemaKey(fields, true) === schemaKey(file.schema.fields, true) &&
    (metadata.get("smalti:metadata") ?? "{}") === jsonText(file.schema.metadata) &&
    (metadata.get("smalti:ontology_tag") ?? "") === file.schema.ontologyTag;
  if (!same) throw new SmaltiError("CORRUPT", "Schema at the file's start is not the one in its footer");
}

/** Queries go by the bounds alone. */
function checkBounds(bounds: BatchBounds, batch: number, table: StructVector): void {
  const actual = boundsOf(table);
  const fields = table.children.map(({ field }) => field);
  for (const [i, path] of boundedColumns(fields).entries()) {
    const stored = bounds.of(batch, path)!;
    // Of a small batch nobody looked.
    if (stored[0] === -Infinity && stored[1] === Infinity) continue;
    // Of zeros any may be kept, with its sign.
    if (stored[0] === actual[2 * i] && stored[1] === actual[2 * i + 1]) continue;
    throw new SmaltiError(
      "CORRUPT",
      `Column ${path} is from ${actual[2 * i]} to ${actual[2 * i + 1]}: its bounds are ${
        stored.join(" and ")
      }`,
    );
  }
}

function checkDetail(detail: BlockBounds, batch: number, table: StructVector, times: BigInt64Array): void {
  const smallest = detail.times(batch);
  if (!smallest) return;
  const { blockRows, firstNs } = smallest;
  const fields = table.children.map(({ field }) => field);
  const blocks: BatchBlocks = { rows: times.length, firstNs, bounds: blockBoundsOf(table, blockRows) };
  const foldedBy = new Map<number, BatchBlocks>();
  for (const [i, path] of boundedColumns(fields).entries()) {
    const stored = detail.of(batch, path);
    if (!stored) continue;
    const count = stored.blockRows / blockRows;
    const actual = foldedBy.get(count) ?? foldBlocks(blocks, count);
    foldedBy.set(count, actual);
    const { pairs } = stored;
    const areTimes = stored.firstNs.every((ns, block) => ns === times[block * stored.blockRows]);
    const areBounds = pairs.every((bound, at) => bound === actual.bounds[pairs.length * i + at]);
    if (areTimes && areBounds) continue;
    throw new SmaltiError(
      "CORRUPT",
      `Column ${path} has other ${areTimes ? "values" : "times"} than its detail says`,
    );
  }
}
