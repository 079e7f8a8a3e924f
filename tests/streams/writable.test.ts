import { describe, expect, it } from "vitest";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { binary } from "../../src/ontology/field.ts";
import type { TopicMessage } from "../../src/write/topic_writer.ts";
import { expectError, thrownBy } from "../support/errors.ts";
import { onStore, PLACES, withClient } from "../support/places.ts";
import { addTopic, allTexts, Sample, sample, sampleText, texts } from "../support/sample_rows.ts";
import { deferred, isSettled, settle } from "../support/waiting.ts";
import { WatchedStore } from "../support/watched_store.ts";

const messages = (count: number): TopicMessage<Sample>[] =>
  Array.from(
    { length: count },
    (_, i) => ({ timestampNs: BigInt(i), data: sample(i) }),
  );
const ROWS = Array.from({ length: 5 }, (_, i) => sampleText("a", BigInt(i), i));

/** A stream of items that counts how often it was asked, and keeps the reason it was cancelled for. */
class Source<T> implements UnderlyingDefaultSource<T> {
  pulls = 0;
  cancelled: unknown;
  readonly #items: Iterator<T>;
  constructor(items: Iterable<T>) {
    this.#items = items[Symbol.iterator]();
  }
  pull(controller: ReadableStreamDefaultController<T>): void {
    this.pulls++;
    const { done, value } = this.#items.next();
    if (done) controller.close();
    else controller.enqueue(value);
  }
  cancel(reason: unknown): void {
    this.cancelled = reason;
  }
}

describe.each(PLACES)("TopicWriter.toWritableStream in %s", (place) => {
  it("records what is written; closing it flushes and leaves the sequence open", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const topic = await addTopic(sequence, "a", []);
      const stream = topic.toWritableStream();
      expect(stream).toBeInstanceOf(WritableStream);
      const writer = stream.getWriter();
      for (const message of messages(3)) await writer.write(message);
      await writer.close();
      expect([sequence.status, topic.rowCount]).toEqual(["open", 3]);
      // Another stream, and pushes beside it.
      const next = topic.toWritableStream().getWriter();
      await next.write(messages(4)[3]);
      await next.close();
      await topic.push(messages(5)[4]);
      await sequence.finalize();
      expect(await allTexts(client, "s")).toEqual(ROWS);
    });
  });

  it("that is closed has made its messages durable, though nothing is committed after", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const topic = await addTopic(sequence, "a", []);
      await new ReadableStream(new Source(messages(5))).pipeTo(
        topic.toWritableStream(),
      );
      await sequence.abort();
      expect(await allTexts(client, "s")).toEqual(ROWS);
    });
  });

  it("that is aborted aborts the sequence with the reason", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const topic = await addTopic(sequence, "a", [0, 1]);
      await topic.flush();
      const reason = new Error("the cable broke");
      const broken = new ReadableStream<TopicMessage<Sample>>({
        pull: (controller) => controller.error(reason),
      });
      expect(await thrownBy(() => broken.pipeTo(topic.toWritableStream())))
        .toBe(reason);
      expect(sequence.status).toBe("aborted");
      expect((await client.sequenceInfo("s")).sessions[0].reason).toBe(
        "the cable broke",
      );
      expect(await allTexts(client, "s")).toEqual(ROWS.slice(0, 2));
    });
  });

  it("leaves the sequence open where the pipe is told not to abort it", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const topic = await addTopic(sequence, "a", []);
      const controller = new AbortController();
      const all = messages(5);
      const source = new Source(
        (function* () {
          yield* all.slice(0, 2);
          controller.abort(new Error("enough"));
          yield* all.slice(2);
        })(),
      );
      const options = { signal: controller.signal, preventAbort: true };
      const thrown = await thrownBy(() =>
        new ReadableStream(source).pipeTo(topic.toWritableStream(), options)
      );
      expect([thrown, source.cancelled]).toEqual([
        controller.signal.reason,
        controller.signal.reason,
      ]);
      expect(sequence.status).toBe("open");
      await sequence.finalize();
      expect(topic.rowCount).toBeLessThan(5);
      expect(await allTexts(client, "s")).toEqual(
        ROWS.slice(0, Number(topic.rowCount)),
      );
    });
  });

  it("refuses a bad message, which cancels the source; the earlier ones stay and the sequence is open", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const topic = await addTopic(sequence, "a", []);
      const bad = { timestampNs: 9n, data: { serial: "9" } } as never;
      const source = new Source([...messages(3), bad, ...messages(5)]);
      const pipe = () => new ReadableStream(source).pipeTo(topic.toWritableStream());
      const error = await expectError(
        pipe,
        "INVALID_MESSAGE",
        `Field "serial" is "9"`,
      );
      expect([source.cancelled, source.pulls < 9]).toEqual([error, true]);
      expect([sequence.status, topic.rowCount]).toEqual(["open", 3]);
      await sequence.finalize();
      expect(await allTexts(client, "s")).toEqual(ROWS.slice(0, 3));
    });
  });

  it("is CLOSED after the sequence has ended", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const topic = await addTopic(sequence, "a", []);
      const [late, idle] = [
        topic.toWritableStream().getWriter(),
        topic.toWritableStream().getWriter(),
      ];
      await sequence.finalize();
      await expectError(
        () => late.write(messages(1)[0]),
        "CLOSED",
        "it is finalized",
      );
      await expectError(() => idle.close(), "CLOSED", "it is finalized");
      expect((await client.sequenceInfo("s")).state).toBe("finalized");
    });
  });
});

const Payload = defineOntology("Payload", { bytes: binary() });

describe("TopicWriter.toWritableStream over a store that does not keep up", () => {
  it("makes the source wait, then goes on", async () => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      const sequence = await client.sequenceCreate("s", {
        maxBufferedBytes: 2 ** 20,
      });
      const topic = await sequence.topicCreate("a", { ontology: Payload });
      const gate = deferred();
      store.before = (call) => (call === "append" ? gate.promise : undefined);
      const rows = 256;
      const source = new Source(
        (function* () {
          for (let i = 0; i < rows; i++) {
            yield {
              timestampNs: BigInt(i),
              data: { bytes: new Uint8Array(2 ** 14).fill(i) },
            };
          }
        })(),
      );
      const piped = new ReadableStream(source).pipeTo(topic.toWritableStream());
      expect(await isSettled(piped)).toBe(false);
      for (let i = 0; i < 20; i++) await settle();
      const waiting = source.pulls;
      // 4 MiB are to come, 1 MiB may be held.
      expect(waiting).toBeLessThan(rows / 2);
      for (let i = 0; i < 20; i++) await settle();
      expect(source.pulls).toBe(waiting);
      store.before = () => {};
      gate.resolve();
      await piped;
      await sequence.finalize();
      expect((await client.topicHandler("s", "a")).rowCount).toBe(rows);
    });
  });

  it("gives a failure of the store to the pipe, which cancels the source", async () => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      const sequence = await client.sequenceCreate("s", {
        maxBufferedBytes: 2 ** 20,
      });
      const topic = await sequence.topicCreate("a", { ontology: Payload });
      store.before = (call) => {
        if (call === "append") throw new Error("disk full");
      };
      const source = new Source(
        (function* () {
          for (let i = 0;; i++) {
            yield {
              timestampNs: BigInt(i),
              data: { bytes: new Uint8Array(2 ** 16) },
            };
          }
        })(),
      );
      const error = await expectError(
        () => new ReadableStream(source).pipeTo(topic.toWritableStream()),
        "IO",
        "disk full",
      );
      expect(source.cancelled).toBe(error);
      store.before = () => {};
      await expectError(() => sequence.finalize(), "IO", "disk full");
      expect((await client.sequenceInfo("s")).state).toBe("failed");
    });
  });
});

describe("A round trip by streams", () => {
  it("keeps what it copies from topic to topic within one sequence's update", async () => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate(
        "s",
        {},
        async (sequence) => void await addTopic(sequence, "a", [0, 1, 2, 3, 4]),
      );
      await client.sequenceUpdate("s", {}, async (sequence) => {
        const target = await sequence.topicCreate("b", { ontology: Sample });
        const source = await client.topicHandler("s", "a");
        const stream = source.getDataStreamer().toReadableStream();
        // What a message holds is not known to the type checker.
        await stream.pipeTo(target.toWritableStream() as WritableStream<unknown>);
      });
      const copied = await texts(
        (await client.topicHandler("s", "b")).getDataStreamer(),
      );
      expect(copied).toEqual(ROWS.map((text) => text.replace("a ", "b ")));
    });
  });
});
