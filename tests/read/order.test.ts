import type { RecordBatch, Table } from "apache-arrow";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import type { Message } from "../../src/read/merge/message.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import type { MergedTables, SequenceStreamer } from "../../src/read/sequence_streamer.ts";
import type { TopicHandler } from "../../src/read/topic_handler.ts";
import type { TopicStreamer } from "../../src/read/topic_streamer.ts";
import { TIMESTAMP_FIELD } from "../../src/schema.ts";
import type { TimeRange } from "../../src/types.ts";
import { rowFromArrow } from "../support/from_arrow.ts";
import { type Place, PLACES, withClient } from "../support/places.ts";
import { expectedRow } from "../support/random_tables.ts";
import { rowText, Sample, texts } from "../support/sample_rows.ts";
import {
  anyChoice,
  type Choice,
  inOrder,
  largeRecording,
  record,
  type Recording,
  smallRecording,
} from "./order.ts";

function arrowText(
  topic: string,
  table: Table | RecordBatch,
  row: number,
): string {
  const { timestamp_ns, ...data } = rowFromArrow([
    TIMESTAMP_FIELD,
    ...Sample.fields,
  ], table.get(row)!);
  return rowText(
    topic,
    timestamp_ns as bigint,
    expectedRow(Sample.fields, data),
  );
}

function mergedTexts(
  { tables, topicIndex, row }: MergedTables<Table | RecordBatch>,
): string[] {
  const names = [...tables.keys()];
  expect(names).toEqual([...names].sort());
  return Array.from(row, (at, i) => {
    const name = names[topicIndex[i]];
    return arrowText(name, tables.get(name)!, at);
  });
}

function tableTexts(topic: string, table: Table | RecordBatch): string[] {
  return Array.from(
    { length: table.numRows },
    (_, row) => arrowText(topic, table, row),
  );
}

/** Every way to read a sequence. */
const SEQUENCE_WAYS: Record<
  string,
  (handler: SequenceHandler, choice: Choice) => Promise<string[]>
> = {
  "for await": (handler, choice) => texts(handler.getDataStreamer(choice)),
  async "batches()"(handler, choice) {
    const all: string[] = [];
    for await (const block of handler.getDataStreamer(choice).batches()) {
      const items = [...block];
      expect(items.length).toBe(block.length);
      expect(block.length).toBeGreaterThan(0);
      for (const [topic, message] of items) {
        all.push(rowText(topic, message.timestampNs, message.data));
      }
    }
    return all;
  },
  "cursors": (handler, choice) => cursorTexts(handler.getDataStreamer(choice)),
  "toReadableStream()": (handler, choice) => texts(read(handler.getDataStreamer(choice).toReadableStream())),
  "toTable()": async (handler, choice) => mergedTexts(await handler.getDataStreamer(choice).toTable()),
  async "toArrow()"(handler, choice) {
    const all: string[] = [];
    for await (const block of handler.getDataStreamer(choice).toArrow()) {
      all.push(...mergedTexts(block));
    }
    return all;
  },
};

/** Every way to read a topic, in a window. */
const TOPIC_WAYS: Record<
  string,
  (handler: TopicHandler, choice: TimeRange) => Promise<string[]>
> = {
  "for await": (handler, choice) => texts(handler.getDataStreamer(choice)),
  async "batches()"(handler, choice) {
    const all: string[] = [];
    for await (const block of handler.getDataStreamer(choice).batches()) {
      for (let i = 0; i < block.length; i++) {
        const message = block.at(i);
        all.push(rowText(message.topic, message.timestampNs, message.data));
      }
    }
    return all;
  },
  "cursors": (handler, choice) => cursorTexts(handler.getDataStreamer(choice)),
  "toReadableStream()": (handler, choice) => texts(read(handler.getDataStreamer(choice).toReadableStream())),
  "toTable()": async (handler, choice) =>
    tableTexts(handler.name, await handler.getDataStreamer(choice).toTable()),
  async "toArrow()"(handler, choice) {
    const all: string[] = [];
    for await (const batch of handler.getDataStreamer(choice).toArrow()) {
      all.push(...tableTexts(handler.name, batch));
    }
    return all;
  },
};

async function cursorTexts(stream: SequenceStreamer | TopicStreamer): Promise<string[]> {
  const all: string[] = [];
  for await (const block of stream.batches()) {
    const cursor = block.cursor();
    while (cursor.next()) all.push(rowText(cursor.topic, cursor.timestampNs, cursor.data));
  }
  return all;
}

/** A WHATWG stream by its reader, since not every runtime iterates one. */
async function* read<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
  const reader = stream.getReader();
  for (let item = await reader.read(); !item.done; item = await reader.read()) {
    yield item.value;
  }
}

let round = 0;

/** Runs `body` with a client; in memory batches stay as they were written, in a directory small ones are joined. */
function onPlace(place: Place, body: (client: Client) => Promise<void>): Promise<void> {
  return withClient(place, body, { keepsBatches: place === "memory" });
}

/** Records it and runs `check` with its rows in the strict order. */
function property(
  recording: fc.Arbitrary<Recording>,
  client: Parameters<typeof record>[0],
  check: (
    handler: SequenceHandler,
    wanted: string[],
    choice: Choice,
  ) => Promise<void>,
) {
  const arbitrary = recording.chain((one) => fc.tuple(fc.constant(one), anyChoice(one.topics)));
  return fc.asyncProperty(arbitrary, async ([one, choice]) => {
    const name = `round${round++}`;
    const rows = await record(client, name, one);
    await check(
      await client.sequenceHandler(name),
      inOrder(rows, choice),
      choice,
    );
    await client.sequenceDelete(name);
  });
}

describe.each(PLACES)("SequenceStreamer in %s", (place) => {
  const numRuns = place === "memory" ? 100 : 15;
  for (const [way, run] of Object.entries(SEQUENCE_WAYS)) {
    it(`gives by ${way} what sorting everything by time, topic and order of pushing gives`, async () => {
      await onPlace(place, async (client) => {
        const check = async (
          handler: SequenceHandler,
          wanted: string[],
          choice: Choice,
        ) => expect(await run(handler, choice)).toEqual(wanted);
        await fc.assert(property(smallRecording, client, check), { numRuns });
        await fc.assert(property(largeRecording, client, check), {
          numRuns: 3,
        });
      });
    });
  }

  it("gives the same by any mix of next(), batches() and nextTimestampNs() on one streamer", async () => {
    await onPlace(place, async (client) => {
      const calls = fc.array(
        fc.constantFrom("next", "next", "next", "batch", "peek"),
        { maxLength: 40 },
      );
      const arbitrary = fc.oneof({ weight: 12, arbitrary: smallRecording }, {
        weight: 1,
        arbitrary: largeRecording,
      })
        .chain((one) => fc.tuple(fc.constant(one), anyChoice(one.topics), calls));
      const property = fc.asyncProperty(
        arbitrary,
        async ([one, choice, calls]) => {
          const name = `round${round++}`;
          const rows = await record(client, name, one);
          const wanted = inOrder(rows, choice);
          const times = wanted.map((text) => BigInt(text.split(" ")[1]));
          const streamer = (await client.sequenceHandler(name)).getDataStreamer(
            choice,
          );
          const seen: string[] = [];
          const add = ([topic, message]: [string, Message]) =>
            seen.push(rowText(topic, message.timestampNs, message.data));
          for (const call of calls) {
            if (call === "peek") {
              expect(await streamer.nextTimestampNs()).toBe(times[seen.length]);
            } else if (call === "batch") {
              for (
                const item of (await streamer.batches().next()).value ?? []
              ) add(item);
            } else {
              const item = await streamer.next();
              expect(item.done).toBe(seen.length === wanted.length);
              if (!item.done) add(item.value);
            }
          }
          for await (const item of streamer) add(item);
          expect(seen).toEqual(wanted);
          expect(await streamer.nextTimestampNs()).toBe(undefined);
          await client.sequenceDelete(name);
        },
      );
      await fc.assert(property, { numRuns });
    });
  });

  it("gives many callers of next() at once each message once, in order", async () => {
    await onPlace(place, async (client) => {
      const check = async (
        handler: SequenceHandler,
        wanted: string[],
        choice: Choice,
      ) => {
        const streamer = handler.getDataStreamer(choice);
        const items = await Promise.all(
          Array.from({ length: wanted.length + 3 }, () => streamer.next()),
        );
        expect(items.map(({ done }) => done)).toEqual(
          items.map((_, i) => i >= wanted.length),
        );
        const seen = items.slice(0, wanted.length)
          .map(({ value }) => rowText(value![0], value![1].timestampNs, value![1].data));
        expect(seen).toEqual(wanted);
      };
      await fc.assert(property(smallRecording, client, check), { numRuns });
    });
  });
});

describe.each(PLACES)("TopicStreamer in %s", (place) => {
  const numRuns = place === "memory" ? 100 : 15;
  for (const [way, run] of Object.entries(TOPIC_WAYS)) {
    it(`gives by ${way} what sorting each topic by time and order of pushing gives`, async () => {
      await onPlace(place, async (client) => {
        const check = async (
          handler: SequenceHandler,
          wanted: string[],
          choice: Choice,
        ) => {
          const { topics = handler.topics.map(({ name }) => name), ...range } = choice;
          for (const topic of topics) {
            const its = wanted.filter((text) => text.startsWith(`${topic} `));
            expect(await run(await handler.topicHandler(topic), range)).toEqual(its);
          }
        };
        await fc.assert(property(smallRecording, client, check), { numRuns });
        await fc.assert(property(largeRecording, client, check), {
          numRuns: 3,
        });
      });
    });
  }
});
