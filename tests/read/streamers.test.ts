import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectError } from "../support/errors.ts";
import { PLACES, withClient } from "../support/places.ts";
import { addTopic, pushSamples, rowText, sampleText, texts } from "../support/sample_rows.ts";
import { anyChoice, inOrder, largeRecording, record, smallRecording } from "./order.ts";

describe.each(PLACES)("Streamers in %s", (place) => {
  it("over one handler run side by side, and leave each other alone", async () => {
    await withClient(place, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        await addTopic(sequence, "a", [1, 5, 3]);
        await addTopic(sequence, "b", [2, 3, 3]);
      });
      const handler = await client.sequenceHandler("s");
      const wanted = await texts(handler.getDataStreamer());
      expect(wanted.length).toBe(6);
      const all = [handler, handler, handler].map((one) => one.getDataStreamer());
      const seen = all.map((): string[] => []);
      for (let i = 0; i < 6; i++) {
        for (const [k, streamer] of all.entries()) {
          if (k === 2 && i === 3) await streamer.close();
          const { value } = await streamer.next();
          if (value) {
            seen[k].push(
              rowText(value[0], value[1].timestampNs, value[1].data),
            );
          }
        }
      }
      expect(seen).toEqual([wanted, wanted, wanted.slice(0, 3)]);
      const topic = await handler.topicHandler("a");
      const both = await Promise.all([
        texts(topic.getDataStreamer()),
        texts(topic.getDataStreamer({ startNs: 3n })),
        texts(handler.getDataStreamer()),
      ]);
      const ofA = wanted.filter((text) => text.startsWith("a "));
      expect(both).toEqual([ofA, ofA.slice(1), wanted]);
    });
  });

  it("over one handler, in any interleaving, each give their rows in order, whichever of them are closed", async () => {
    await withClient(place, async (client) => {
      const recording = fc.oneof({ weight: 9, arbitrary: smallRecording }, {
        weight: 1,
        arbitrary: largeRecording,
      });
      const arbitrary = recording.chain((one) =>
        fc.record({
          one: fc.constant(one),
          choices: fc.array(anyChoice(one.topics), { minLength: 2, maxLength: 5 }),
          // Whose turn it is, and how many messages it gives; now and then one is closed.
          turns: fc.array(fc.tuple(fc.nat(4), fc.integer({ min: 0, max: 12 })), { maxLength: 60 }),
        })
      );
      const property = fc.asyncProperty(arbitrary, async ({ one, choices, turns }) => {
        const rows = await record(client, "s", one);
        const handler = await client.sequenceHandler("s");
        const streamers = choices.map((choice) => handler.getDataStreamer(choice));
        const seen = choices.map((): string[] => []);
        const closed = new Set<number>();
        const next = async (k: number) => {
          const { value } = await streamers[k].next();
          if (value) seen[k].push(rowText(value[0], value[1].timestampNs, value[1].data));
          return value;
        };
        for (const [turn, count] of turns) {
          const k = turn % streamers.length;
          if (count === 0) {
            closed.add(k);
            await streamers[k].close();
          }
          // Every other one at the same time.
          const others = streamers.flatMap((_, other) => other === k ? [] : [next(other)]);
          for (let i = 0; i < count; i++) await next(k);
          await Promise.all(others);
        }
        await Promise.all(streamers.map(async (_, k) => {
          while (await next(k));
        }));
        seen.forEach((texts, k) => {
          const wanted = inOrder(rows, choices[k]);
          expect(texts).toEqual(closed.has(k) ? wanted.slice(0, texts.length) : wanted);
        });
        await client.sequenceDelete("s");
      });
      await fc.assert(property, { numRuns: place === "memory" ? 40 : 10 });
    });
  });

  it("give messages and blocks that stay as they are after they are closed, and the client too", async () => {
    await withClient(place, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await addTopic(sequence, "a", []);
        // More than two blocks, in several batches.
        for (let batch = 0; batch < 4; batch++) {
          await pushSamples(
            topic,
            Array.from({ length: 3000 }, (_, i) => 3000 * batch + i),
            3000 * batch,
          );
          await topic.flush();
        }
      });
      const handler = await client.sequenceHandler("s");
      const streamer = handler.getDataStreamer();
      const first = (await streamer.next()).value!;
      const blocks = [];
      for await (const block of streamer.batches()) {
        blocks.push(block);
        if (blocks.length === 3) break;
      }
      await client.close();
      expect(rowText(first[0], first[1].timestampNs, first[1].data)).toBe(
        sampleText("a", 0n, 0),
      );
      let serial = 1;
      for (const block of blocks) {
        for (const [topic, { timestampNs, data }] of block) {
          if (
            rowText(topic, timestampNs, data) !==
              sampleText("a", BigInt(serial), serial)
          ) {
            throw new Error(`Row ${serial} changed`);
          }
          serial++;
        }
      }
      expect(serial).toBeGreaterThan(8000);
    }, { keepsBatches: true });
  });

  it("are TOO_LARGE where more batches overlap than maxBufferedBytes holds, and say how many and how much", async () => {
    await withClient(place, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await addTopic(sequence, "late", []);
        // Each batch reaches over all the others.
        for (let batch = 0; batch < 10; batch++) {
          await pushSamples(topic, [batch, 1000 - batch], 2 * batch);
          await topic.flush();
        }
        await addTopic(sequence, "small", [-5, -4]);
      });
      const handler = await client.sequenceHandler("s");
      const topic = await handler.topicHandler("late");
      const batchBytes = topic.sizeBytes / 12;
      for (
        const stream of [
          () => handler.getDataStreamer({ maxBufferedBytes: 4 * batchBytes }),
          () => topic.getDataStreamer({ maxBufferedBytes: 4 * batchBytes }),
        ]
      ) {
        const error = await expectError(
          () => texts(stream()),
          "TOO_LARGE",
          /Cannot replay sequence "s": \d+ batches overlap/,
          `maxBufferedBytes is ${4 * batchBytes}`,
        );
        expect(error.details).toMatchObject({ sequence: "s", topic: "late" });
      }
      expect(
        (await texts(
          handler.getDataStreamer({ maxBufferedBytes: topic.sizeBytes }),
        )).length,
      ).toBe(22);
      // One batch is always allowed.
      expect(
        (await texts(
          handler.getDataStreamer({ topics: ["small"], maxBufferedBytes: 1 }),
        )).length,
      ).toBe(
        2,
      );
      expect(
        (await texts(topic.getDataStreamer({ endNs: 1n, maxBufferedBytes: 1 })))
          .length,
      ).toBe(1);
    }, { keepsBatches: true });
  });
});
