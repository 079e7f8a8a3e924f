/**
 * The half of the backend contract that deals with topics, batches and attachments, and what both halves need.
 *
 * @module
 */
import * as fc from "fast-check";
import { expect } from "vitest";
import { bytesOf, type Columns } from "../../src/arrow/columns.ts";
import type { Backend, SequenceSink, TopicSink, TopicSource } from "../../src/backend.ts";
import { TIMESTAMP_FIELD } from "../../src/schema.ts";
import { MAX_NS, MIN_NS, type TopicSchema, type Window } from "../../src/types.ts";
import { expectError } from "../support/errors.ts";
import type { PlaceOptions } from "../support/places.ts";
import { rowText, Sample, sample, sampleText } from "../support/sample_rows.ts";
import { columnsOf } from "../support/tables.ts";
import { codeOf, text } from "./store.ts";

export const SCHEMA: TopicSchema = {
  ontologyTag: Sample.tag,
  serializationFormat: "ragged",
  metadata: { sensor: "A100", offsets: [1, null, { deep: "ä" }] },
  fields: [TIMESTAMP_FIELD, ...Sample.fields],
};
export const ALL: Window = { firstNs: MIN_NS, lastNs: MAX_NS };

/** Rows of {@linkcode Sample} at these times, which ascend, numbered from `serial`. */
function batch(times: readonly (number | bigint)[], serial = 0): Columns {
  const columns = columnsOf(Sample.fields, times.map((_, i) => sample(serial + i)));
  columns.buffers[1] = bytesOf(BigInt64Array.from(times, BigInt));
  return columns;
}

async function write(topic: TopicSink, times: readonly (number | bigint)[], serial = 0): Promise<void> {
  await topic.write(batch(times, serial), BigInt(times[0]), BigInt(times.at(-1)!));
}

/** A new sequence with a topic for each list of batches. */
export async function create(
  backend: Backend,
  name: string,
  topics: Record<string, number[][]> = {},
): Promise<SequenceSink> {
  const sink = await backend.createSequence(name, {});
  await fill(sink, topics);
  return sink;
}

export async function fill(sink: SequenceSink, topics: Record<string, number[][]>): Promise<void> {
  for (const [name, batches] of Object.entries(topics)) {
    const topic = await sink.createTopic(name, SCHEMA);
    let serial = 0;
    for (const times of batches) {
      await write(topic, times, serial);
      serial += times.length;
    }
  }
}

/** Opens every run in a window, in the order of the walk, and checks what a walk promises. Rows as texts, a list a batch. */
async function walk(topic: TopicSource, window: Window = ALL): Promise<Map<number, string[]>> {
  const runs = topic.runs(window);
  const seen = new Map<number, string[]>();
  let before = MIN_NS;
  for (let next = runs.nextNs; next !== undefined; next = runs.nextNs) {
    expect(next).toBeGreaterThanOrEqual(before);
    before = next;
    expect(runs.nextBytes).toBeGreaterThan(0);
    runs.prefetch();
    const run = await runs.open();
    if (!run) continue;
    const { batch: { times, table, rows }, from, to } = run;
    expect(times.length).toBe(rows);
    expect([...times]).toEqual([...times].sort((a, b) => Number(a > b) - Number(a < b)));
    expect(from).toBeLessThan(to);
    expect(times[from]).toBeGreaterThanOrEqual(next);
    const row = (i: number) =>
      Object.fromEntries(table.children.slice(1).map((column) => [column.field.name, column.get(i)]));
    seen.set(
      run.batchNumber,
      Array.from({ length: to - from }, (_, i) => rowText(topic.info.name, times[from + i], row(from + i))),
    );
  }
  return seen;
}

export async function rowsOf(
  backend: Backend,
  sequence: string,
  topic: string,
  window?: Window,
): Promise<string[]> {
  const batches = await walk(await (await backend.openSequence(sequence)).openTopic(topic), window);
  return [...batches].sort(([a], [b]) => a - b).flatMap(([, rows]) => rows);
}

export const wantedRows = (topic: string, times: readonly number[]): string[] =>
  times.map((time, serial) => sampleText(topic, BigInt(time), serial));

/** Makes a test of a case, with a backend of its own. */
export type TestBackend = (
  title: string,
  body: (backend: Backend) => Promise<void>,
  options?: PlaceOptions,
) => void;

/** Makes a test of each case. */
export function topicCases(test: TestBackend): void {
  test("createTopic is ALREADY_EXISTS for a name of this session or an earlier one", async (backend) => {
    await (await create(backend, "drive", { a: [[1]] })).finalize();
    const sink = await backend.updateSequence("drive");
    await fill(sink, { b: [[2]] });
    for (const topic of ["a", "b"]) {
      const error = await expectError(
        () => sink.createTopic(topic, SCHEMA),
        "ALREADY_EXISTS",
        `"${topic}"`,
        "drive",
      );
      expect(error.details).toMatchObject({ sequence: "drive", topic });
    }
    const codes = await Promise.all(Array.from({ length: 5 }, () => codeOf(sink.createTopic("c", SCHEMA))));
    expect(codes.sort()).toEqual([...Array(4).fill("ALREADY_EXISTS"), "none"]);
    await sink.finalize();
    expect(await rowsOf(backend, "drive", "a")).toEqual(wantedRows("a", [1]));
    expect(await rowsOf(backend, "drive", "b")).toEqual(wantedRows("b", [2]));
  });

  test("openTopic gives the schema that the topic was created with; NOT_FOUND for no topic", async (backend) => {
    await (await create(backend, "drive", { "a/b": [[1]] })).finalize();
    const source = await backend.openSequence("drive");
    const { schema, info } = await source.openTopic("a/b");
    expect(schema).toEqual(SCHEMA);
    expect(info).toEqual(source.info.topics[0]);
    for (const topic of ["a", "a/b/c", "b", "a/B"]) {
      const error = await expectError(() => source.openTopic(topic), "NOT_FOUND", `"${topic}"`);
      expect(error.details).toMatchObject({ sequence: "drive", topic });
    }
  });

  test(
    "write has read its columns when it returns, and stores batches in the order of the calls",
    async (backend) => {
      const sink = await backend.createSequence("drive", {});
      const topic = await sink.createTopic("a", SCHEMA);
      const writes = [[5, 6], [1], [5]].map((times, i) => {
        const columns = batch(times, [0, 2, 3][i]);
        const written = topic.write(columns, BigInt(times[0]), BigInt(times.at(-1)!));
        for (const buffer of columns.buffers) buffer.fill(0xee);
        return written;
      });
      await Promise.all(writes);
      await topic.sync();
      await sink.finalize();
      const batches = await walk(await (await backend.openSequence("drive")).openTopic("a"));
      expect([...batches.keys()]).toEqual([1, 0, 2]);
      expect(await rowsOf(backend, "drive", "a")).toEqual(wantedRows("a", [5, 6, 1, 5]));
    },
    { keepsBatches: true },
  );

  test("runs gives the rows of any window, of any batches", async (backend) => {
    let round = 0;
    const time = fc.oneof(fc.bigInt(-9n, 9n), fc.constantFrom(MIN_NS, MIN_NS + 1n, MAX_NS - 1n, MAX_NS));
    const sorted = fc.array(time, { minLength: 1, maxLength: 6 })
      .map((times) => times.sort((a, b) => Number(a > b) - Number(a < b)));
    const window = fc.tuple(time, time).map(([a, b]) => ({
      firstNs: a < b ? a : b,
      lastNs: a < b ? b : a,
    }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(sorted, { maxLength: 6 }),
        fc.array(window, { maxLength: 4 }),
        async (batches, windows) => {
          const name = `round${round++}`;
          const sink = await backend.createSequence(name, {});
          const topic = await sink.createTopic("a", SCHEMA);
          let serial = 0;
          for (const times of batches) {
            await write(topic, times, serial);
            serial += times.length;
          }
          await sink.finalize();
          const source = await (await backend.openSequence(name)).openTopic("a");
          const times = batches.flat();
          for (const one of [ALL, ...windows]) {
            const inside = (ns: bigint) => ns >= one.firstNs && ns <= one.lastNs;
            const wanted = times.flatMap((ns, serial) => (inside(ns) ? [sampleText("a", ns, serial)] : []));
            const seen = [...await walk(source, one)].sort(([a], [b]) => a - b).flatMap(([, rows]) => rows);
            expect(seen).toEqual(wanted);
            const end = one.lastNs + (one.lastNs < MAX_NS ? 1n : 0n);
            const counted = times.filter((ns) => ns >= one.firstNs && ns < end).length;
            expect(await source.countRows([one.firstNs, end])).toEqual([counted]);
          }
          for (const deep of [true, false]) {
            expect(await source.verify({ deep, onRows: () => {}, signal: undefined })).toEqual([]);
          }
          await backend.deleteSequence(name);
        },
      ),
      { numRuns: 40 },
    );
  }, { keepsBatches: true });

  test("runs gives nothing where its window is empty or holds no row", async (backend) => {
    await (await create(backend, "drive", { a: [[1, 5], [7]], empty: [] }))
      .finalize();
    const source = await backend.openSequence("drive");
    const topic = await source.openTopic("a");
    for (const [firstNs, lastNs] of [[2n, 4n], [6n, 6n], [8n, MAX_NS], [MIN_NS, 0n], [5n, 4n]]) {
      expect([...await walk(topic, { firstNs, lastNs })]).toEqual([]);
    }
    expect([...await walk(await source.openTopic("empty"))]).toEqual([]);
  });

  test("runs gives walks that do not disturb each other, and none after close", async (backend) => {
    await (await create(backend, "drive", { a: [[1], [2], [3]] })).finalize();
    const topic = await (await backend.openSequence("drive")).openTopic("a");
    const [first, second] = [topic.runs(ALL), topic.runs(ALL)];
    expect((await first.open())!.batchNumber).toBe(0);
    first.prefetch();
    first.close();
    expect(first.nextNs).toBe(undefined);
    expect((await second.open())!.batchNumber).toBe(0);
    expect((await second.open())!.batchNumber).toBe(1);
    expect(second.nextNs).toBe(3n);
  }, { keepsBatches: true });

  test("runs rejects with the reason of a signal that was aborted", async (backend) => {
    await (await create(backend, "drive", { a: [[1], [2]] })).finalize();
    const topic = await (await backend.openSequence("drive")).openTopic("a");
    const controller = new AbortController();
    const runs = topic.runs(ALL, controller.signal);
    await runs.open();
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await runs.open().catch((thrown) => thrown)).toBe(reason);
  });

  test("attach keeps files with their facts, in order, whatever their names", async (backend) => {
    const sink = await create(backend, "drive");
    const facts = {
      name: "../calibration",
      mediaType: "text/plain",
      timestampNs: MIN_NS,
      createdNs: MAX_NS,
    };
    const bytes = text("first");
    const attached = sink.attach({ ...facts, sizeBytes: 5 }, bytes);
    await attached;
    bytes.fill(0);
    await sink.attach({ name: "same", sizeBytes: 0 }, text(""));
    await sink.finalize();
    const update = await backend.updateSequence("drive");
    await update.attach({ name: "same", sizeBytes: 3 }, text("two"));
    await update.finalize();
    const source = await backend.openSequence("drive");
    const { attachments } = source.info;
    expect(attachments.map(({ name, sizeBytes }) => [name, sizeBytes]))
      .toEqual([["../calibration", 5], ["same", 0], ["same", 3]]);
    expect(attachments[0]).toMatchObject(facts);
    expect(attachments[1].mediaType).toBe(undefined);
    const contents = await Promise.all(attachments.map((one) => source.readAttachment(one)));
    expect(contents.map((one) => new TextDecoder().decode(one))).toEqual(["first", "", "two"]);
  });
}
