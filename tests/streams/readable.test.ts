import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import type { Message } from "../../src/read/merge/message.ts";
import { thrownBy } from "../support/errors.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { onStore } from "../support/places.ts";
import { addTopic, allTexts, pushSamples, rowText, sampleText } from "../support/sample_rows.ts";
import { deferred, settle } from "../support/waiting.ts";
import { WatchedStore } from "../support/watched_store.ts";

const BATCHES = 8;

/** Sequence "s": topic "a" in batches of two rows, at 0, 1, 10, 11, ... */
async function withRecording(
  body: (client: Client, store: WatchedStore) => Promise<void>,
): Promise<void> {
  const store = keepingBatches(new WatchedStore());
  await onStore(store, async (client) => {
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await addTopic(sequence, "a", []);
      for (let batch = 0; batch < BATCHES; batch++) {
        await pushSamples(topic, [10 * batch, 10 * batch + 1], 2 * batch);
        await topic.flush();
      }
    });
    await body(client, store);
  });
}

const ROWS = Array.from(
  { length: 2 * BATCHES },
  (_, i) => sampleText("a", BigInt(10 * (i >> 1) + (i & 1)), i),
);

async function readableOf(
  client: Client,
  options = {},
): Promise<ReadableStream<Message>> {
  return (await client.topicHandler("s", "a")).getDataStreamer(options)
    .toReadableStream();
}

const textOf = ({ topic, timestampNs, data }: Message): string => rowText(topic, timestampNs, data);

/** A sink that keeps texts, and waits before each message while it has a gate. */
class Texts implements UnderlyingSink<Message> {
  readonly seen: string[] = [];
  gate: Promise<void> | undefined;
  async write(message: Message): Promise<void> {
    await this.gate;
    this.seen.push(textOf(message));
  }
}

describe("Streamer.toReadableStream", () => {
  it("is a ReadableStream that gives every message in order, and then ends", async () => {
    await withRecording(async (client) => {
      const stream = await readableOf(client);
      expect(stream).toBeInstanceOf(ReadableStream);
      const sink = new Texts();
      await stream.pipeTo(new WritableStream(sink));
      expect(sink.seen).toEqual(ROWS);
      expect(await stream.getReader().read()).toEqual({
        done: true,
        value: undefined,
      });
    });
  });

  it("of a sequence gives [topic, message]", async () => {
    await withRecording(async (client) => {
      const reader = (await client.sequenceHandler("s")).getDataStreamer()
        .toReadableStream().getReader();
      const [topic, message] = (await reader.read()).value!;
      expect([topic, textOf(message)]).toEqual(["a", ROWS[0]]);
      await reader.cancel();
    });
  });

  it("reads nothing before it is asked, and no further than it is asked", async () => {
    await withRecording(async (client, store) => {
      const stream = await readableOf(client);
      store.calls.length = 0;
      await settle();
      expect(store.calls).toEqual([]);
      const reader = stream.getReader();
      for (let asked = 1; asked <= ROWS.length; asked++) {
        expect(textOf((await reader.read()).value!)).toBe(ROWS[asked - 1]);
        await settle();
        // The batch at hand, and one ahead.
        expect(store.count("read")).toBe(
          Math.min(BATCHES, Math.ceil(asked / 2) + 1),
        );
      }
      expect((await reader.read()).done).toBe(true);
    });
  });

  it("waits for a sink that is slow", async () => {
    await withRecording(async (client, store) => {
      const stream = await readableOf(client);
      store.calls.length = 0;
      const sink = new Texts();
      const gate = deferred();
      sink.gate = gate.promise;
      const piped = stream.pipeTo(new WritableStream(sink));
      for (let i = 0; i < 20; i++) await settle();
      expect(sink.seen).toEqual([]);
      expect(store.count("read")).toBeLessThanOrEqual(3);
      gate.resolve();
      await piped;
      expect(sink.seen).toEqual(ROWS);
    });
  });

  it("closes the streamer when it is cancelled", async () => {
    await withRecording(async (client, store) => {
      const streamer = (await client.topicHandler("s", "a")).getDataStreamer();
      const stream = streamer.toReadableStream();
      const reader = stream.getReader();
      await reader.read();
      await reader.cancel("seen enough");
      const reads = store.count("read");
      expect(await streamer.next()).toEqual({ done: true, value: undefined });
      expect(store.count("read")).toBe(reads);
    });
  });

  it("closes the streamer when the sink fails", async () => {
    await withRecording(async (client) => {
      const streamer = (await client.topicHandler("s", "a")).getDataStreamer();
      const reason = new Error("no room");
      const failing = new WritableStream({
        write: () => Promise.reject(reason),
      });
      expect(await thrownBy(() => streamer.toReadableStream().pipeTo(failing)))
        .toBe(reason);
      expect(await streamer.next()).toEqual({ done: true, value: undefined });
    });
  });

  it("errors where reading does, with the same reason", async () => {
    await withRecording(async (client, store) => {
      const reader = (await readableOf(client)).getReader();
      await reader.read();
      const reason = new Error("disk on fire");
      store.before = () => Promise.reject(reason);
      const thrown = await thrownBy(async () => {
        while (!(await reader.read()).done);
      });
      expect(thrown).toBe(reason);
      expect(await thrownBy(() => reader.closed)).toBe(reason);
    });
  });

  it("errors with the reason of the streamer's signal", async () => {
    await withRecording(async (client) => {
      const controller = new AbortController();
      const reader = (await readableOf(client, { signal: controller.signal }))
        .getReader();
      await reader.read();
      controller.abort(new Error("enough"));
      expect(await thrownBy(() => reader.read())).toBe(
        controller.signal.reason,
      );
    });
  });

  it("goes through a TransformStream, tee and pipeTo with a signal like any other", async () => {
    await withRecording(async (client) => {
      const later = new TransformStream<Message, Message>({
        transform: (message, controller) => {
          if (message.timestampNs % 10n === 1n) controller.enqueue(message);
        },
      });
      const [left, right] = (await readableOf(client)).pipeThrough(later).tee();
      const sinks = [new Texts(), new Texts()];
      await Promise.all([
        left.pipeTo(new WritableStream(sinks[0])),
        right.pipeTo(new WritableStream(sinks[1])),
      ]);
      const odd = ROWS.filter((_, i) => i % 2 === 1);
      expect(sinks.map(({ seen }) => seen)).toEqual([odd, odd]);

      const controller = new AbortController();
      const streamer = (await client.topicHandler("s", "a")).getDataStreamer();
      const sink = new WritableStream<Message>({
        write: () => controller.abort(new Error("enough")),
      });
      const thrown = await thrownBy(() =>
        streamer.toReadableStream().pipeTo(sink, { signal: controller.signal })
      );
      expect(thrown).toBe(controller.signal.reason);
      expect((await streamer.next()).done).toBe(true);
    });
  });

  it("pipes into a topic of another sequence, which then holds the same", async () => {
    await withRecording(async (client) => {
      await client.sequenceCreate("copy", {}, async (sequence) => {
        const topic = await addTopic(sequence, "a", []);
        // What a message holds is not known to the type checker.
        await (await readableOf(client)).pipeTo(topic.toWritableStream() as WritableStream<unknown>);
      });
      expect(await allTexts(client, "copy")).toEqual(ROWS);
    });
  });
});
