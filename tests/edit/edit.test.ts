import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  binary,
  type Client,
  connect,
  defineOntology,
  float64,
  int64,
  list,
  optional,
  struct,
  utf8,
} from "../../mod.ts";
import { cutSequence, filterSequence, mergeSequences } from "../../src/edit/mod.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import type { SequenceStreamOptions } from "../../src/read/message_stream.ts";

const Thing = defineOntology("Thing", {
  id: int64({ unit: "1" }),
  text: optional(utf8()),
  place: optional(struct({ x: float64(), raw: optional(binary()) })),
  numbers: list(float64()),
});

/** Every message of a stream as text, in order. */
async function messagesOf(handler: SequenceHandler, options: SequenceStreamOptions = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const [topic, message] of handler.getDataStreamer(options)) {
    lines.push(JSON.stringify([topic, message]));
  }
  return lines;
}

/** All that is known of a sequence beside its name, its rows and when it was written. */
async function factsOf(handler: SequenceHandler): Promise<unknown> {
  const schemas = [];
  for (const { name } of handler.topics) schemas.push([name, await handler.topicSchema(name)]);
  const attachments = [];
  for (const attachment of handler.attachments) {
    const { name, mediaType, timestampNs, createdNs } = attachment;
    const bytes = await handler.readAttachment(attachment);
    attachments.push({
      name,
      mediaType,
      timestampNs,
      createdNs,
      hash: createHash("md5").update(bytes).digest("hex"),
    });
  }
  return { metadata: handler.metadata, schemas, attachments };
}

interface Row {
  topic: "a" | "b/c";
  ns: bigint;
}

const rows = fc.array(
  fc.record({
    topic: fc.constantFrom<Row["topic"]>("a", "b/c"),
    // Few times: many ties, and rows that come late.
    ns: fc.bigInt({ min: -20n, max: 60n }),
  }),
  { maxLength: 60 },
);

describe("edits", () => {
  let client: Client;
  beforeEach(async () => {
    client = await connect("memory:");
  });
  afterEach(() => client.close());

  async function record(name: string, given: readonly Row[], flushEvery = 7): Promise<SequenceHandler> {
    await client.sequenceCreate(name, { metadata: { car: "blue", [name]: 3 } }, async (sequence) => {
      const topics = {
        a: await sequence.topicCreate("a", { ontology: Thing, metadata: { side: "left" } }),
        "b/c": await sequence.topicCreate("b/c", { ontology: Thing }),
      };
      await sequence.topicCreate("empty", { ontology: Thing });
      await sequence.attach({ name: "notes", mediaType: "text/plain" }, new TextEncoder().encode("sunny"));
      await sequence.attach({ name: "at 30", timestampNs: 30n, createdNs: 5n }, Uint8Array.of(1, 2));
      for (const [i, { topic, ns }] of given.entries()) {
        await topics[topic].push({
          timestampNs: ns,
          data: {
            id: BigInt(i),
            ...(i % 3 > 0 && { text: `${name} é ${i}` }),
            ...(i % 4 > 0 && { place: { x: i / 3, ...(i % 2 > 0 && { raw: Uint8Array.of(i) }) } }),
            numbers: Array.from({ length: i % 5 }, (_, j) => j),
          },
        });
        if (i % flushEvery === flushEvery - 1) await sequence.flush();
      }
    });
    return await client.sequenceHandler(name);
  }

  const some: Row[] = [50n, 0n, 10n, 10n, 25n, 30n, 30n, 5n].map((ns, i) => ({
    topic: i % 2 ? "b/c" : "a",
    ns,
  }));

  /** Runs `body` with random rows, each case with names of its own. */
  async function withRandom(body: (rows: Row[], prefix: string, at: bigint) => Promise<void>): Promise<void> {
    let run = 0;
    const property = fc.asyncProperty(
      rows,
      fc.bigInt({ min: -25n, max: 65n }),
      (rows, at) => body(rows, `r${run++}`, at),
    );
    // A failure prints the seed.
    await fc.assert(property, { numRuns: 40 });
  }

  it("filter keeps what the stream of the same window gives, whatever the rows", async () => {
    await withRandom(async (rows, prefix, startNs) => {
      const handler = await record(prefix, rows);
      const options = { topics: ["b/c", "empty"], startNs, endNs: startNs + 30n };
      const info = await filterSequence(handler, client, `${prefix}_new`, options);
      expect(info.topics.map(({ name }) => name)).toEqual(["b/c", "empty"]);
      const made = await client.sequenceHandler(`${prefix}_new`);
      expect(await messagesOf(made)).toEqual(await messagesOf(handler, options));
    });
  });

  it("filter keeps all that is known", async () => {
    const handler = await record("s", some);
    const seen: [number, number | undefined][] = [];
    await filterSequence(handler, client, "new", { onProgress: (...of) => seen.push(of) });
    const made = await client.sequenceHandler("new");
    expect(await factsOf(made)).toEqual(await factsOf(handler));
    expect(await messagesOf(made)).toEqual(await messagesOf(handler));
    expect(seen.at(-1)).toEqual([some.length, some.length]);
  });

  it("cuts merge into the whole, whatever the rows", async () => {
    await withRandom(async (rows, prefix, at) => {
      const handler = await record(prefix, rows);
      const options = at % 2n === 0n ? { everyNs: 1n + (at + 25n) / 4n } : { sizeBytes: 300 };
      const parts = await cutSequence(handler, client, options);
      const handlers = await Promise.all(parts.map(({ name }) => client.sequenceHandler(name)));
      const whole = await messagesOf(handler);
      // One after the other they are the whole, and none is empty.
      const pieces = await Promise.all(handlers.map((part) => messagesOf(part)));
      expect(pieces.flat()).toEqual(whole);
      if (whole.length > 0) expect(pieces.filter((piece) => piece.length === 0)).toEqual([]);
      await mergeSequences(handlers.toReversed(), client, `${prefix}_again`);
      const again = await client.sequenceHandler(`${prefix}_again`);
      expect(await messagesOf(again)).toEqual(whole);
      const { attachments, ...facts } = await factsOf(again) as { attachments: { name: string }[] };
      const { attachments: before, ...factsBefore } = await factsOf(handler) as typeof facts & {
        attachments: { name: string }[];
      };
      expect(facts).toEqual(factsBefore);
      expect(attachments.map(({ name }) => name).sort()).toEqual(before.map(({ name }) => name).sort());
    });
  });

  it("cut parts by time from the first message, and leaves out stretches without any", async () => {
    const handler = await record("s", some);
    const parts = await cutSequence(handler, client, { everyNs: 10n, name: "part" });
    expect(parts.map(({ name, topics, attachments }) => [
      name,
      topics.map(({ rowCount }) => rowCount),
      attachments.map(({ name }) => name),
    ])).toEqual([
      ["part_000", [0, 2, 0], ["notes"]],
      ["part_001", [1, 1, 0], []],
      ["part_002", [1, 0, 0], []],
      ["part_003", [1, 1, 0], ["at 30"]],
      ["part_004", [1, 0, 0], []],
    ]);
  });

  it("cut at times begins parts there, and makes none without messages", async () => {
    const handler = await record("s", some);
    // Unsorted, twice, before all, between two of no messages, at the last and after it.
    const at = [30n, 11n, 30n, -5n, 12n, 20n, 50n, 51n, 1000n];
    const parts = await cutSequence(handler, client, { at });
    const times = await Promise.all(parts.map(async ({ name }) => {
      const messages = await messagesOf(await client.sequenceHandler(name));
      return messages.map((line) => JSON.parse(line)[1].timestamp_ns);
    }));
    expect(parts.map(({ name }) => name)).toEqual(["s_000", "s_001", "s_002", "s_003"]);
    expect(times).toEqual([["0", "5", "10", "10"], ["25"], ["30", "30"], ["50"]]);
    expect(parts.map(({ attachments }) => attachments.map(({ name }) => name)))
      .toEqual([["notes"], [], ["at 30"], []]);
    const empty = await record("none", []);
    expect((await cutSequence(empty, client, { at: [1n] })).map(({ name }) => name)).toEqual(["none_000"]);
  });

  it("cuts by a period where years lie between messages, and at the ends of time", async () => {
    const [first, last] = [-(2n ** 63n), 2n ** 63n - 1n];
    const handler = await record("s", [first, first + 1n, 0n, last].map((ns) => ({ topic: "a", ns })));
    const parts = await cutSequence(handler, client, { everyNs: 1_000n });
    expect(parts.map(({ topics: [{ rowCount }] }) => rowCount)).toEqual([2, 1, 1]);
    const more = record(
      "more",
      Array.from({ length: 10_001 }, (_, i) => ({ topic: "a", ns: BigInt(i) })),
      5_000,
    );
    await expect(cutSequence(await more, client, { everyNs: 1n })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("more than 10000 parts"),
    });
  });

  it("cut by size makes parts of about that size", async () => {
    const handler = await record(
      "s",
      Array.from({ length: 1000 }, (_, i) => ({ topic: "a", ns: BigInt(i) })),
      100,
    );
    const parts = await cutSequence(handler, client, { sizeBytes: handler.topics[0].sizeBytes / 4 });
    expect(parts.length).toBeGreaterThanOrEqual(4);
    expect(parts.length).toBeLessThanOrEqual(5);
    const counts = parts.map(({ topics: [a] }) => a.rowCount);
    for (const count of counts.slice(0, -1)) expect(Math.abs(count - 250)).toBeLessThan(10);
  });

  it("merge puts rows of one time in the order of the sequences, whatever the rows", async () => {
    await withRandom(async (rows, prefix, at) => {
      const half = rows.length / 2;
      const first = await record(`${prefix}a`, rows.slice(0, half));
      const second = await record(`${prefix}b`, rows.slice(half));
      const options = at > 0n ? { startNs: at - 30n, endNs: at } : {};
      await mergeSequences([first, second], client, prefix, options);
      const timeOf = (line: string) => BigInt(JSON.parse(line)[1].timestamp_ns);
      for (const topic of ["a", "b/c", "empty"]) {
        const lines = [
          ...await messagesOf(first, { ...options, topics: [topic] }),
          ...await messagesOf(second, { ...options, topics: [topic] }),
        ];
        // Sorting is stable.
        lines.sort((a, b) => Number(timeOf(a) - timeOf(b)));
        const made = await client.sequenceHandler(prefix);
        expect(await messagesOf(made, { topics: [topic] })).toEqual(lines);
      }
    });
  });

  it("merge puts topics under prefixes, as they were", async () => {
    const first = await record("first", some);
    const second = await record("second", some.slice(3));
    const seen: [number, number | undefined][] = [];
    await mergeSequences([first, second, second], client, "both", {
      prefixes: ["/left", "right/front", ""],
      topics: ["a", "empty"],
      onProgress: (...of) => seen.push(of),
    });
    const both = await client.sequenceHandler("both");
    const names = ["a", "empty", "left/a", "left/empty", "right/front/a", "right/front/empty"];
    expect(both.topics.map(({ name }) => name)).toEqual(names);
    for (const [prefix, handler] of [["left/", first], ["right/front/", second], ["", second]] as const) {
      const lines = await messagesOf(handler, { topics: ["a"] });
      expect(await messagesOf(both, { topics: [`${prefix}a`] }))
        .toEqual(lines.map((line) => line.replaceAll('"a"', `"${prefix}a"`)));
    }
    expect(seen.at(-1)).toEqual([both.rowCount, both.rowCount]);
    for (const prefixes of [["left"], ["left", "right", "x", "y"]]) {
      await expect(mergeSequences([first, second], client, "new", { prefixes }))
        .rejects.toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining("wanted 2") });
    }
    for (const prefix of ["a//b", "x".repeat(201)]) {
      await expect(mergeSequences([first], client, "new", { prefixes: [prefix] }))
        .rejects.toMatchObject({ code: "INVALID_NAME" });
    }
    expect(await client.listSequences()).toEqual(["both", "first", "second"]);
  });

  it("merge joins topics that come to one name by different prefixes, in the order of the sequences", async () => {
    const rows = [0n, 1n, 1n, 2n].map((ns) => ({ topic: "b/c" as const, ns }));
    const first = await record("first", rows.slice(1));
    await client.sequenceCreate("second", {}, async (sequence) => {
      const topic = await sequence.topicCreate("c", { ontology: Thing });
      for (const ns of [0n, 1n]) {
        await topic.push({ timestampNs: ns, data: { id: 100n + ns, numbers: [] } });
      }
    });
    const second = await client.sequenceHandler("second");
    const options = { prefixes: ["x", "x/b"], topics: ["b/c", "c"] };
    await mergeSequences([first, second], client, "both", options);
    const ids = (await messagesOf(await client.sequenceHandler("both"))).map((line) =>
      JSON.parse(line)[1].data.id
    );
    expect(ids).toEqual([100, 0, 1, 101, 2]);
  });

  it("merge lets a later sequence's facts win", async () => {
    const first = await record("first", some);
    await client.sequenceCreate("second", { metadata: { car: "red" } }, async (sequence) => {
      await sequence.topicCreate("a", { ontology: Thing, metadata: { side: "right" } });
      await sequence.topicCreate("mine", { ontology: Thing });
    });
    await mergeSequences([first, await client.sequenceHandler("second")], client, "both");
    const both = await client.sequenceHandler("both");
    expect(both.metadata).toEqual({ car: "red", first: 3 });
    expect(both.topics.map(({ name, metadata }) => [name, metadata]))
      .toEqual([["a", { side: "right" }], ["b/c", {}], ["empty", {}], ["mine", {}]]);
  });

  it.each([
    [
      "a type",
      "Thing",
      { id: int64({ unit: "1" }), text: float64() },
      /field "text" is utf8 or null in sequence "first" and float64/,
    ],
    ["a unit", "Thing", { id: int64({ unit: "m" }) }, /what is said of field "id" is .*"1".* and .*"m"/],
    ["a tag", "Other", { id: int64() }, /its ontology is "Thing" .* and "Other"/],
    [
      "a name",
      "Thing",
      { number: int64() },
      /field 1 of its columns is "id" \(int64\) .* and "number" \(int64\)/,
    ],
  ])("merge refuses topics that differ in %s", async (_, tag, fields, message) => {
    const first = await record("first", some);
    await client.sequenceCreate("second", {}, async (sequence) => {
      await sequence.topicCreate("a", { ontology: defineOntology(tag, fields) });
    });
    const second = await client.sequenceHandler("second");
    let taken = 0;
    await expect(mergeSequences([first, second], client, "both", { onProgress: () => taken++ }))
      .rejects.toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringMatching(message) });
    expect(taken).toBe(0);
    expect(await client.listSequences()).toEqual(["first", "second"]);
  });

  it("leaves nothing where it is given up", async () => {
    const handler = await record("s", some);
    const stop = (after: number) => {
      const { signal, abort } = {
        abort: new AbortController(),
        get signal() {
          return this.abort.signal;
        },
      };
      return { signal, onProgress: (count: number) => count >= after && abort.abort(new Error("enough")) };
    };
    await expect(filterSequence(handler, client, "new", stop(1))).rejects.toThrow("enough");
    await expect(cutSequence(handler, client, { everyNs: 10n, ...stop(5) })).rejects.toThrow("enough");
    await expect(mergeSequences([handler, handler], client, "new", stop(9))).rejects.toThrow("enough");
    expect(await client.listSequences()).toEqual(["s"]);
  });

  it("replaces nothing, and writes no part where one is there", async () => {
    const handler = await record("s", some);
    await record("s_002", []);
    let taken = 0;
    const onProgress = () => taken++;
    await expect(filterSequence(handler, client, "s_002")).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    await expect(cutSequence(handler, client, { everyNs: 10n, onProgress })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
      message: expect.stringContaining('"s_002"'),
    });
    expect(taken).toBe(0);
    expect(await client.listSequences()).toEqual(["s", "s_002"]);
  });

  it("refuses what is being recorded, topics that are not there, and what makes no sense", async () => {
    const handler = await record("s", some);
    await using sequence = await client.sequenceCreate("live");
    await sequence.topicCreate("a", { ontology: Thing });
    const live = await client.sequenceHandler("live", { follow: true });
    await expect(filterSequence(live, client, "new")).rejects.toMatchObject({ code: "LOCKED" });
    await expect(filterSequence(handler, client, "new", { topics: ["emty"] })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining('"empty"'),
    });
    const bogus = { bogus: 1 } as object;
    await expect(filterSequence(handler, client, "new", bogus)).rejects.toThrow('no option "bogus"');
    await expect(filterSequence(handler, client, "new", { startNs: 2n, endNs: 1n })).rejects.toThrow(
      RangeError,
    );
    const wrong = [{}, { everyNs: 1n, sizeBytes: 1 }, { at: [1n], sizeBytes: 1 }, { everyNs: 0n }, {
      sizeBytes: NaN,
    }];
    for (const options of [...wrong, { at: [] }, { at: [5] as unknown as bigint[] }]) {
      await expect(cutSequence(handler, client, options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    await expect(mergeSequences([], client, "new")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await sequence.abort(undefined, "delete");
    expect(await client.listSequences()).toEqual(["s"]);
  });
});
