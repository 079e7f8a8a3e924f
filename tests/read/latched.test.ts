import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  binary,
  bool,
  type Client,
  connect,
  defineOntology,
  fixedSizeList,
  float64,
  int64,
  type LatchedTopic,
  list,
  optional,
  struct,
  uint8,
  utf8,
} from "../../mod.ts";
import { createServer } from "../../src/flight/server/mod.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { allEngines, clientWith } from "../support/engines.ts";
import { expectError } from "../support/errors.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { clientOf } from "../support/places.ts";

const Transform = defineOntology("OneFrame", {
  serial: int64(),
  header: struct({ frame_id: utf8() }),
  child: optional(utf8()),
  number: optional(float64()),
});

const Transforms = defineOntology("ManyFrames", {
  serial: int64(),
  frame: utf8(),
  transforms: list(struct({
    header: struct({ frame_id: utf8() }),
    child_frame_id: utf8(),
    weights: optional(list(float64())),
  })),
  names: optional(list(utf8())),
  pair: optional(fixedSizeList(uint8(), 2)),
  nested: optional(list(list(utf8()))),
  more: optional(list(struct({ x: float64() }))),
});

const transforms = (frame: string, ...children: string[]) => ({
  frame,
  transforms: children.map((child_frame_id) => ({ header: { frame_id: "map" }, child_frame_id })),
});

/** Serial numbers of what a stream gives of a topic. */
async function serials(
  client: Client,
  options: { latched: (string | LatchedTopic)[]; startNs: bigint; maxBufferedBytes?: number },
): Promise<number[]> {
  const handler = await client.sequenceHandler("s");
  const found: number[] = [];
  for await (const [, { data }] of handler.getDataStreamer({ topics: [], ...options })) {
    found.push(Number(data.serial));
  }
  return found;
}

/** Messages at time 0, 1 and so on, a batch each, on topic `tf`; then the stream's serial numbers at the end of them. */
async function latchedOf(messages: readonly object[], by: LatchedTopic["by"]): Promise<number[]> {
  await using client = clientOf(keepingBatches(new MemoryStore()));
  await client.sequenceCreate("s", {}, async (sequence) => {
    const topic = await sequence.topicCreate("tf", { ontology: Transforms });
    for (const [i, message] of messages.entries()) {
      await topic.push({ timestampNs: BigInt(i), data: { serial: i, ...message } as never });
      await topic.flush();
    }
  });
  return await serials(client, { latched: [{ topic: "tf", by }], startNs: BigInt(messages.length) });
}

describe("SequenceHandler.getDataStreamer with topics latched by a key", () => {
  it("gives the last message of each key before startNs, with either engine and over a daemon", async () => {
    const engines = await allEngines();
    const message = fc.record({
      timestampNs: fc.bigInt(-5n, 20n),
      frame: fc.constantFrom("map", "odom", ""),
      child: fc.constantFrom("a", "b", undefined, "null", ""),
      number: fc.constantFrom(0, 1, NaN, Infinity, undefined),
      flush: fc.boolean(),
    });
    const by = fc.constantFrom<string[]>(
      ["child"],
      ["header.frame_id"],
      ["number"],
      ["header.frame_id", "child"],
      ["child", "number"],
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 40 }),
        fc.bigInt(-6n, 21n),
        by,
        fc.boolean(),
        async (messages, startNs, by, single) => {
          const store = keepingBatches(new MemoryStore());
          await clientWith(engines[0], store).sequenceCreate("s", {}, async (sequence) => {
            const topic = await sequence.topicCreate("tf", { ontology: Transform });
            for (const [serial, { timestampNs, frame, child, number, flush }] of messages.entries()) {
              const data = { serial, header: { frame_id: frame }, child, number };
              await topic.push({ timestampNs, data });
              if (flush) await topic.flush();
            }
          });
          const last = new Map<string, number>();
          const order = [...messages.keys()].sort((a, b) =>
            Number(messages[a].timestampNs - messages[b].timestampNs) || a - b
          );
          for (const i of order) {
            const { timestampNs, frame, child, number } = messages[i];
            if (timestampNs >= startNs) continue;
            const values: Record<string, unknown> = { child, number, "header.frame_id": frame };
            last.set(by.map((path) => `${typeof values[path]} ${values[path]}`).join("|"), i);
          }
          const wanted = order.filter((i) => [...last.values()].includes(i));
          const latched = [{ topic: "tf", by: single && by.length === 1 ? by[0] : by }];
          for (const engine of engines) {
            expect(await serials(clientWith(engine, store), { latched, startNs })).toEqual(wanted);
          }
          if (!single) return;
          await using server = await createServer(clientWith(engines[0], store), { port: 0 });
          await using remote = await connect(server.url);
          expect(await serials(remote, { latched, startNs })).toEqual(wanted);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("takes a list's items for keys, and gives a message that is the last of one of them, once", async () => {
    const messages = [
      transforms("w", "camera", "lidar"),
      transforms("w", "gone"),
      transforms("v"),
      transforms("w", "gone", "imu"),
      transforms("w", "lidar", "lidar"),
    ];
    expect(await latchedOf(messages, "transforms.child_frame_id")).toEqual([0, 3, 4]);
    expect(await latchedOf(messages, ["transforms.header.frame_id", "transforms.child_frame_id"]))
      .toEqual([0, 3, 4]);
    expect(await latchedOf(messages, "transforms.header.frame_id")).toEqual([4]);
    expect(await latchedOf(messages, "frame")).toEqual([2, 4]);
    // A field beside the list is part of each item's key.
    const moved = [transforms("w", "a", "b"), transforms("v", "a"), transforms("w", "a")];
    expect(await latchedOf(moved, ["frame", "transforms.child_frame_id"])).toEqual([0, 1, 2]);
    expect(await latchedOf(moved, "transforms.child_frame_id")).toEqual([0, 2]);
    const named = [{ names: ["a", "b"] }, { names: ["b", "c"] }, {}, { names: [] }, { pair: [1, 2] }]
      .map((rest) => ({ ...transforms("w"), ...rest }));
    expect(await latchedOf(named, "names")).toEqual([0, 1]);
    expect(await latchedOf(named, "pair")).toEqual([4]);
  });

  it("tells by numbers, bools and bytes too", async () => {
    const Odd = defineOntology("Odd", { serial: int64(), big: int64(), flag: bool(), bytes: binary() });
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("odd", { ontology: Odd });
      const rows = [[2n ** 53n, true, 1], [2n ** 53n + 1n, true, 2], [2n ** 53n, false, 1]] as const;
      for (const [serial, [big, flag, byte]] of rows.entries()) {
        const data = { serial, big, flag, bytes: Uint8Array.of(byte) };
        await topic.push({ timestampNs: 5n, data });
      }
    });
    const of = (by: string) => serials(client, { latched: [{ topic: "/odd", by }], startNs: 6n });
    expect(await of("big")).toEqual([1, 2]);
    expect(await of("flag")).toEqual([1, 2]);
    expect(await of("bytes")).toEqual([1, 2]);
  });

  it("goes beside topics that are latched whole, in time order, and tables have them all", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      const [a, b] = [
        await sequence.topicCreate("a", { ontology: Transform }),
        await sequence.topicCreate("b", { ontology: Transform }),
      ];
      for (let i = 0; i < 6; i++) {
        const data = { serial: i, header: { frame_id: "map" }, child: i < 3 ? `c${i}` : "c3" };
        await a.push({ timestampNs: BigInt(i), data });
        await b.push({ timestampNs: BigInt(i), data });
      }
    });
    const handler = await client.sequenceHandler("s");
    const options = { startNs: 5n, latched: ["b", { topic: "a", by: "child" }] };
    const seen: string[] = [];
    for await (const [topic, { timestampNs }] of handler.getDataStreamer(options)) {
      seen.push(`${topic}${timestampNs}`);
    }
    expect(seen).toEqual(["a0", "a1", "a2", "a4", "b4", "a5", "b5"]);
    const { tables } = await handler.getDataStreamer(options).toTable();
    expect(Array.from(tables.get("a")!.getChild("serial")!, Number)).toEqual([0, 1, 2, 4, 5]);
    expect(Array.from(tables.get("b")!.getChild("serial")!, Number)).toEqual([4, 5]);
  });

  it("holds the batches of the last messages alone, and counts them", async () => {
    await using client = clientOf(keepingBatches(new MemoryStore()));
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("tf", { ontology: Transform });
      for (let i = 0; i < 40; i++) {
        // Each key's last message is in one of the last three batches.
        const data = { serial: i, header: { frame_id: "map" }, child: `c${i % 3}` };
        await topic.push({ timestampNs: BigInt(i), data });
        await topic.flush();
      }
    });
    const latched = [{ topic: "tf", by: "child" }];
    const batchBytes = (await client.topicHandler("s", "tf")).info.sizeBytes / 40;
    const of = (batches: number) =>
      serials(client, { latched, startNs: 40n, maxBufferedBytes: batches * batchBytes });
    expect(await of(8)).toEqual([37, 38, 39]);
    await expectError(() => of(1.5), "TOO_LARGE", "batches overlap");
  });

  it("refuses what is no key, and names topic and sequence", async () => {
    const by = (by: LatchedTopic["by"]) => latchedOf([transforms("w", "a")], by);
    await expectError(
      () => by("transforms.child_frame"),
      "NOT_FOUND",
      `No field "transforms.child_frame" in topic "tf" of sequence "s"`,
    );
    await expectError(() => by("transforms.child_frame_di"), "NOT_FOUND", `did you mean "child_frame_id"?`);
    await expectError(() => by("frame.x"), "NOT_FOUND", `"x" is none of none`);
    for (
      const [paths, text] of [
        ["transforms", `of topic "tf" of sequence "s" by field "transforms": it is list<struct<`],
        ["transforms.header", "it is struct<frame_id: utf8>, wanted text"],
        ["transforms.weights", "it lies in a list of lists"],
        ["nested", "it lies in a list of lists"],
        [["transforms.child_frame_id", "more.x"], "they lie in two lists"],
        [["names", "pair"], `by fields "names" and "pair": they lie in two lists`],
      ] as const
    ) await expectError(() => by(paths), "INVALID_ARGUMENT", text);

    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      await sequence.topicCreate("tf", { ontology: Transform });
    });
    const handler = await client.sequenceHandler("s");
    for (
      const latched of [
        [{ topic: "tf" }],
        [{ topic: "tf", by: [] }],
        [{ topic: "tf", by: [5] }],
        [{ topic: "tf", by: "child", key: 1 }],
        ["tf", { topic: "tf", by: "child" }],
        [{ topic: "tf", by: "child" }, { topic: "/tf", by: "number" }],
        [null],
      ]
    ) expect(() => handler.getDataStreamer({ startNs: 1n, latched: latched as never })).toThrow(TypeError);
    await expectError(
      () => handler.getDataStreamer({ startNs: 1n, latched: [{ topic: "tg", by: "child" }] }),
      "NOT_FOUND",
      `did you mean "tf"?`,
    );
  });

  it("refuses more keys than a key has", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("tf", { ontology: Transform });
      for (let i = 0; i <= 100_000; i++) {
        const data = { serial: i, header: { frame_id: "map" }, child: String(i) };
        const full = topic.push({ timestampNs: BigInt(i), data });
        if (full) await full;
      }
    });
    const of = (startNs: bigint) => serials(client, { latched: [{ topic: "tf", by: "child" }], startNs });
    expect((await of(100_000n)).length).toBe(100_000);
    await expectError(() => of(100_001n), "TOO_LARGE", "more than 100000 keys");
  });
});
