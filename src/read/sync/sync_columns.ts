/**
 * The fields of a sync as columns: what each is, and where its values come from.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { type FieldSchema, plainField, typeName } from "../../schema.ts";
import { MAX_NS, type Window } from "../../types.ts";
import { fieldsAt } from "../field_path.ts";
import { MessageGaps } from "./message_gaps.ts";
import { type Column, maxGapOf, type Opened, type SyncTopic } from "./opened_sync.ts";
import { PeriodClock, spanOf, TopicClock } from "./sync_clock.ts";
import { SyncCursor } from "./sync_cursor.ts";
import type { SyncField, SyncOptions, SyncPolicy } from "./sync_options.ts";

const FLOAT64 = { kind: "float", bits: 64 } as const;

/** Opens the fields of a sync, and its clock. */
export async function openColumns(
  sequence: string,
  openTopic: (name: string) => Promise<SyncTopic>,
  options: SyncOptions,
  window: Window,
): Promise<Opened> {
  const { fields, onTopic, periodNs, signal, maxBufferedBytes, startNs, endNs } = options;
  const maxGapNs = maxGapOf(options);
  const names = new Set(Object.values(fields).map(({ topic }) => topic));
  const topics = new Map(
    await Promise.all(
      [...names, ...(onTopic === undefined ? [] : [onTopic])].map(async (name) =>
        [name, await openTopic(name)] as const
      ),
    ),
  );
  const span = spanOf([...names].map((name) => topics.get(name)!.handler));
  const firstNs = startNs === undefined && span ? span.firstNs : window.firstNs;
  const columns = Object.entries(fields).map(([name, source]): Column => {
    const { handler, source: topicSource } = topics.get(source.topic)!;
    const policy = source.policy ?? options.policy ?? "hold";
    const schema = findField(sequence, handler.fields.slice(1), source, policy, name);
    // What follows the window matters to those that look ahead.
    const looksAhead = policy === "nearest" || policy === "linear";
    const cursor = new SyncCursor(
      handler,
      { sequence: sequence, source: topicSource, path: source.field.split(".") },
      {
        fromNs: onTopic === undefined ? firstNs : window.firstNs,
        endNs: looksAhead ? MAX_NS + 1n : window.lastNs + 1n,
      },
      onTopic === undefined ? new MessageGaps(maxGapNs) : undefined,
      { signal, maxBufferedBytes },
    );
    const toleranceNs = source.toleranceNs ?? options.toleranceNs;
    return { name, topic: handler.name, policy, toleranceNs, schema, cursor };
  });
  if (onTopic !== undefined) {
    const ticks = topics.get(onTopic)!.handler.getDataStreamer({
      startNs,
      endNs,
      signal,
      maxBufferedBytes,
    });
    return { columns, clock: new TopicClock(ticks) };
  }
  // Without a message there is no time to begin or to end at, unless both are given.
  const isNowhere = !span && (startNs === undefined || endNs === undefined);
  const lastNs = isNowhere ? firstNs - 1n : endNs === undefined ? span!.lastNs : window.lastNs;
  return { columns, clock: new PeriodClock(firstNs, lastNs, periodNs!) };
}

/** The column's schema: that of the field at the path, under the column's name. */
function findField(
  sequence: string,
  fields: readonly FieldSchema[],
  { topic, field: path }: SyncField,
  policy: SyncPolicy,
  name: string,
): FieldSchema {
  const found = fieldsAt(fields, path, { sequence, topic }).at(-1)!;
  const plain = plainField(found);
  const { type, metadata } = plain;
  if (policy === "linear") {
    if (type.kind !== "int" && type.kind !== "float") {
      throw new SmaltiError(
        "INVALID_ARGUMENT",
        `Cannot draw a line through field "${path}" of topic "${topic}" of sequence "${sequence}": it is ${
          typeName(found)
        }, wanted a number`,
        { sequence, topic },
      );
    }
    return { name, type: FLOAT64, nullable: true, children: [], ...(metadata && { metadata }) };
  }
  return { ...plain, name, nullable: true };
}
