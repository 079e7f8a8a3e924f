import { describe, expect, it } from "vitest";
import { GPS, Image, IMU } from "../../src/ontology/builtin/mod.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { float64 } from "../../src/ontology/field.ts";
import { TIMESTAMP_FIELD } from "../../src/schema.ts";
import { MAX_NS, MIN_NS, type TimestampNs } from "../../src/types.ts";
import { expectError, thrownBy } from "../support/errors.ts";
import { PLACES, withClient } from "../support/places.ts";
import { addTopic, allTexts, recordSequence, Sample, sampleText, texts } from "../support/sample_rows.ts";

describe.each(PLACES)("SequenceHandler and TopicHandler in %s", (place) => {
  it("tell what was recorded", async () => {
    await withClient(place, async (client) => {
      const before = Date.now();
      await client.sequenceCreate(
        "s",
        { metadata: { vehicle: "A" } },
        async (sequence) => {
          await addTopic(sequence, "b/c", [7, -5, 3]);
          await sequence.topicCreate("a", {
            ontology: IMU,
            metadata: { sensor: "A100", rate: [1, { hz: 200 }] },
          });
          const image = await sequence.topicCreate("B", { ontology: Image });
          const pixels = {
            data: Uint8Array.of(1, 2, 3),
            format: "raw",
            width: 1,
            height: 1,
            stride: 3,
            encoding: "rgb8",
          };
          await image.push({ timestampNs: 100n, data: pixels });
          await sequence.attach(
            {
              name: "notes",
              mediaType: "text/plain",
              timestampNs: -1n,
              createdNs: 5n,
            },
            Uint8Array.of(7),
          );
          sequence.addMetadata({ weather: "fog" });
        },
      );
      const handler = await client.sequenceHandler("s");
      expect([handler.name, handler.state, handler.metadata]).toEqual([
        "s",
        "finalized",
        {
          vehicle: "A",
          weather: "fog",
        },
      ]);
      expect([handler.rowCount, handler.firstNs, handler.lastNs]).toEqual([
        4,
        -5n,
        100n,
      ]);
      expect(handler.created.getTime()).toBeGreaterThanOrEqual(before);
      expect(handler.created.getTime()).toBeLessThanOrEqual(Date.now());
      expect(
        handler.topics.map((
          { name, ontologyTag, rowCount },
        ) => [name, ontologyTag, rowCount]),
      ).toEqual([
        ["B", "Image", 1],
        ["a", "IMU", 0],
        ["b/c", "Sample", 3],
      ]);
      expect(handler.sizeBytes).toBe(
        handler.topics.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      );
      expect(handler.attachments).toMatchObject([{
        name: "notes",
        mediaType: "text/plain",
        timestampNs: -1n,
        createdNs: 5n,
        sizeBytes: 1,
      }]);
      expect(await handler.readAttachment(handler.attachments[0])).toEqual(
        Uint8Array.of(7),
      );
      expect(handler.info).toEqual(await client.sequenceInfo("s"));

      const topic = await handler.topicHandler("b/c");
      expect([
        topic.sequence,
        topic.name,
        topic.ontologyTag,
        topic.serializationFormat,
      ]).toEqual([
        "s",
        "b/c",
        "Sample",
        "default",
      ]);
      expect([topic.rowCount, topic.firstNs, topic.lastNs, topic.metadata])
        .toEqual([3, -5n, 7n, {}]);
      expect([topic.info, topic.sizeBytes]).toEqual([
        handler.topics[2],
        handler.topics[2].sizeBytes,
      ]);
      expect(topic.fields).toEqual([TIMESTAMP_FIELD, ...Sample.fields]);
      expect(await topic.verify()).toEqual([]);

      const empty = await client.topicHandler("s", "a");
      expect([empty.rowCount, empty.firstNs, empty.lastNs]).toEqual([
        0,
        undefined,
        undefined,
      ]);
      expect(empty.metadata).toEqual({
        sensor: "A100",
        rate: [1, { hz: 200 }],
      });
      expect((await handler.topicHandler("B")).serializationFormat).toBe(
        "image",
      );
      await topic[Symbol.asyncDispose]();
      await handler[Symbol.asyncDispose]();
    });
  });

  it("of a sequence without topics or rows stream nothing", async () => {
    await withClient(place, async (client) => {
      await client.sequenceCreate("s", {}, () => {});
      const handler = await client.sequenceHandler("s");
      expect([
        handler.topics,
        handler.rowCount,
        handler.firstNs,
        handler.lastNs,
        handler.sizeBytes,
      ]).toEqual([
        [],
        0,
        undefined,
        undefined,
        0,
      ]);
      expect(await texts(handler.getDataStreamer())).toEqual([]);
      expect(await handler.getDataStreamer().nextTimestampNs()).toBe(undefined);
      const { tables, topicIndex, row } = await handler.getDataStreamer()
        .toTable();
      expect([tables.size, topicIndex.length, row.length]).toEqual([0, 0, 0]);
      await expectError(
        () => handler.topicHandler("a"),
        "NOT_FOUND",
        "it has none",
      );
    });
  });

  it("stream the chosen topics, in any order and number, and none of none", async () => {
    await withClient(place, async (client) => {
      await recordSequence(client, "s", { a: [1, 2], b: [1, 2], c: [1, 2] });
      const handler = await client.sequenceHandler("s");
      const wanted = [
        sampleText("a", 1n, 0),
        sampleText("c", 1n, 0),
        sampleText("a", 2n, 1),
        sampleText("c", 2n, 1),
      ];
      expect(await texts(handler.getDataStreamer({ topics: ["c", "a"] })))
        .toEqual(wanted);
      expect(
        await texts(handler.getDataStreamer({ topics: ["c", "a", "/c", "a"] })),
      ).toEqual(wanted);
      expect(await texts(handler.getDataStreamer({ topics: [] }))).toEqual([]);
      await expectError(
        () => handler.getDataStreamer({ topics: ["a", "d"] }),
        "NOT_FOUND",
        `No topic "d" in sequence "s"; it has a, b, c`,
      );
    });
  });
});

describe.each(PLACES)("Windows in %s", (place) => {
  it("take every time of int64, from their start to before their end", async () => {
    await withClient(place, async (client) => {
      const times = [MIN_NS, -1n, 0n, MAX_NS - 1n, MAX_NS];
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("a", {
          ontology: defineOntology("One", { value: float64() }),
        });
        for (const timestampNs of times) {
          await topic.push({ timestampNs, data: { value: 1 } });
        }
      });
      const [handler, topic] = [
        await client.sequenceHandler("s"),
        await client.topicHandler("s", "a"),
      ];
      const windows: [
        TimestampNs | undefined,
        TimestampNs | undefined,
        bigint[],
      ][] = [
        [undefined, undefined, times],
        [MIN_NS, undefined, times],
        [MAX_NS, undefined, [MAX_NS]],
        [undefined, MAX_NS, times.slice(0, 4)],
        [undefined, MIN_NS, []],
        [MIN_NS, MIN_NS + 1n, [MIN_NS]],
        [MIN_NS, MIN_NS, []],
        [MAX_NS, MAX_NS, []],
        [-1n, 0n, [-1n]],
        [0n, 0n, []],
        [{ epochNanoseconds: -1n }, { epochNanoseconds: 1n }, [-1n, 0n]],
      ];
      for (const [startNs, endNs, wanted] of windows) {
        for (const one of [handler, topic]) {
          const seen: bigint[] = [];
          for await (const item of one.getDataStreamer({ startNs, endNs })) {
            seen.push((Array.isArray(item) ? item[1] : item).timestampNs);
          }
          expect(seen).toEqual(wanted);
          expect(
            await one.getDataStreamer({ startNs, endNs }).nextTimestampNs(),
          ).toBe(wanted[0]);
        }
      }
    });
  });

  it("that make no sense are refused at once, and name what they are for", async () => {
    await withClient(place, async (client) => {
      await recordSequence(client, "s", { a: [1] });
      const [handler, topic] = [
        await client.sequenceHandler("s"),
        await client.topicHandler("s", "a"),
      ];
      const windows: [object, typeof RangeError | typeof TypeError, string][] = [
        [
          { startNs: 2n, endNs: 1n },
          RangeError,
          "from startNs 2 to endNs 1: wanted startNs at or before endNs",
        ],
        [
          { startNs: 2n ** 63n },
          RangeError,
          "startNs is 9223372036854775808n, wanted int64",
        ],
        [
          { endNs: 2n ** 63n },
          RangeError,
          "endNs is 9223372036854775808n, wanted int64",
        ],
        [
          { startNs: -(2n ** 63n) - 1n },
          RangeError,
          "startNs is -9223372036854775809n, wanted int64",
        ],
        [
          { startNs: 5 },
          TypeError,
          "startNs is 5, wanted a bigint of nanoseconds (5n or BigInt(5)), a Date or a Temporal.Instant",
        ],
        [{ endNs: null }, TypeError, "endNs is null, wanted a bigint"],
        [{ endNs: new Date(NaN) }, RangeError, "endNs is an invalid Date, wanted a valid one"],
        [{ endNs: { epochNanoseconds: 5 } }, TypeError, "endNs is [object Object], wanted a bigint"],
        [{ start: 5n }, TypeError, 'there is no option "start"; did you mean "startNs"?'],
        [{ startns: 5n }, TypeError, 'there is no option "startns"; did you mean "startNs"?'],
      ];
      for (const [options, type, text] of windows) {
        for (
          const [one, what] of [[handler, `sequence "s"`], [
            topic,
            `topic "a" of sequence "s"`,
          ]] as const
        ) {
          const reason = await thrownBy(() => one.getDataStreamer(options)) as Error;
          expect(reason.constructor).toBe(type);
          expect(reason.message).toMatch(`Cannot stream ${what}`);
          expect(reason.message).toMatch(text);
        }
      }
    });
  });
});

describe.each(PLACES)("Client.sequenceUpdate in %s", (place) => {
  it("adds sessions whose topics replay with the earlier ones, which stay as they were", async () => {
    await withClient(place, async (client) => {
      await recordSequence(client, "s", { b: [1, 3] });
      const first = await client.sequenceHandler("s");
      const result = await client.sequenceUpdate("s", {}, async (sequence) => {
        await addTopic(sequence, "a", [3, 2]);
        sequence.addMetadata({ labelled: true });
        return "added";
      });
      expect(result).toBe("added");
      const update = await client.sequenceUpdate("s");
      await addTopic(update, "c", [0]);
      await update.finalize();

      const handler = await client.sequenceHandler("s");
      expect(await texts(handler.getDataStreamer())).toEqual([
        sampleText("c", 0n, 0),
        sampleText("b", 1n, 0),
        sampleText("a", 2n, 1),
        sampleText("a", 3n, 0),
        sampleText("b", 3n, 1),
      ]);
      expect([handler.state, handler.metadata, handler.created]).toEqual([
        "finalized",
        { labelled: true },
        first.created,
      ]);
      expect(handler.sessions.map(({ state, topics }) => [state, topics]))
        .toEqual([
          ["finalized", ["b"]],
          ["finalized", ["a"]],
          ["finalized", ["c"]],
        ]);
      expect(handler.topics.find(({ name }) => name === "b")).toEqual(
        first.topics[0],
      );
      // A handler shows the sequence as it was when it was opened.
      expect(await texts(first.getDataStreamer())).toEqual([
        sampleText("b", 1n, 0),
        sampleText("b", 3n, 1),
      ]);
    });
  });

  it("refuses names of topics that any session has, a failed one too, and keeps their rows", async () => {
    await withClient(place, async (client) => {
      await recordSequence(client, "s", { a: [1] });
      const failed = await client.sequenceUpdate("s");
      await (await addTopic(failed, "b", [2])).flush();
      await failed.abort("the cable broke");
      await client.sequenceUpdate("s", {}, async (sequence) => {
        for (const name of ["a", "/a", "b"]) {
          await expectError(
            () => sequence.topicCreate(name, { ontology: GPS }),
            "ALREADY_EXISTS",
            "wanted a new name",
          );
        }
        await addTopic(sequence, "c", [3]);
      });
      expect(await allTexts(client, "s")).toEqual([
        sampleText("a", 1n, 0),
        sampleText("b", 2n, 0),
        sampleText("c", 3n, 0),
      ]);
      const { state, sessions } = await client.sequenceInfo("s");
      expect([state, ...sessions.map((session) => session.state)]).toEqual([
        "finalized",
        "finalized",
        "failed",
        "finalized",
      ]);
      expect(sessions[1].reason).toBe("the cable broke");
    });
  });

  it("whose function throws by the policy delete leaves the sequence as it was, and the names free", async () => {
    await withClient(place, async (client) => {
      await recordSequence(client, "s", { a: [1] });
      const before = await client.sequenceInfo("s");
      const call = () =>
        client.sequenceUpdate(
          "s",
          { errorPolicy: "delete" },
          async (sequence) => {
            await (await addTopic(sequence, "b", [2])).flush();
            throw new Error("the cable broke");
          },
        );
      await expect(call()).rejects.toThrow("the cable broke");
      expect(await client.sequenceInfo("s")).toEqual(before);
      await client.sequenceUpdate(
        "s",
        {},
        async (sequence) => void await addTopic(sequence, "b", [5]),
      );
      expect(await allTexts(client, "s")).toEqual([
        sampleText("a", 1n, 0),
        sampleText("b", 5n, 0),
      ]);
    });
  });
});
