import { describe, expect, it } from "vitest";
// @ts-ignore: the package has no types
import { abortable } from "deno-std/async/abortable.js";
// @ts-ignore: the package has no types
import { MuxAsyncIterator } from "deno-std/async/mux_async_iterator.js";
// @ts-ignore: the package has no types
import { JsonParseStream } from "deno-std/json/parse_stream.js";
// @ts-ignore: the package has no types
import { JsonStringifyStream } from "deno-std/json/stringify_stream.js";
// @ts-ignore: the package has no types
import * as std from "deno-std/streams/mod.js";
import type { Client } from "../../src/client.ts";
import type { Message, MessageJson } from "../../src/read/merge/message.ts";
import { thrownBy } from "../support/errors.ts";
import { withClient } from "../support/places.ts";
import { allTexts, recordSequence, Sample } from "../support/sample_rows.ts";
import { settle } from "../support/waiting.ts";

// deno-lint-ignore no-explicit-any -- the package has no types
const streams = std as any;

// Some of it needs this, which Node 20 lacks.
Promise.withResolvers ??= function withResolvers<T>() {
  let [resolve, reject]: ((value: never) => void)[] = [];
  const promise = new Promise<T>((...both) => [resolve, reject] = both);
  return { promise, resolve, reject } as PromiseWithResolvers<T>;
};

/** Sequence "s": topic "a" at 0, 1, 2, ... and topic "b" at 100, 101, ... */
async function withRecording(body: (client: Client) => Promise<void>): Promise<void> {
  await withClient("memory", async (client) => {
    const times = Array.from({ length: 6 }, (_, i) => i);
    await recordSequence(client, "s", { a: times, b: times.slice(0, 4).map((time) => 100 + time) });
    await body(client);
  });
}

async function streamOf(client: Client, topic: string): Promise<ReadableStream<Message>> {
  return (await client.topicHandler("s", topic)).getDataStreamer().toReadableStream();
}

/** A stream of `a 0`, `a 1`, ... as lines of text. */
async function linesOf(client: Client, topic: string): Promise<ReadableStream<string>> {
  return (await streamOf(client, topic)).pipeThrough(
    new TransformStream<Message, string>({
      transform: ({ topic, timestampNs }, controller) => controller.enqueue(`${topic} ${timestampNs}\n`),
    }),
  );
}

async function bytesOf(client: Client, topic: string): Promise<ReadableStream<Uint8Array>> {
  const encode = new TextEncoderStream() as ReadableWritablePair<Uint8Array, string>;
  return (await linesOf(client, topic)).pipeThrough(encode);
}

async function collect<T>(stream: ReadableStream<T>): Promise<T[]> {
  const all: T[] = [];
  const reader = stream.getReader();
  for (let item = await reader.read(); !item.done; item = await reader.read()) all.push(item.value);
  return all;
}

const TEXT_A = "a 0\na 1\na 2\na 3\na 4\na 5\n";
const TEXT_B = "b 100\nb 101\nb 102\nb 103\n";

describe("toReadableStream with Deno's standard library", () => {
  it("becomes a text, bytes, a buffer, a blob", async () => {
    await withRecording(async (client) => {
      expect(await streams.toText(await bytesOf(client, "a"))).toBe(TEXT_A);
      const decoder = new TextDecoder();
      expect(decoder.decode(await streams.toBytes(await bytesOf(client, "a")))).toBe(TEXT_A);
      expect(decoder.decode(await streams.toArrayBuffer(await bytesOf(client, "b")))).toBe(TEXT_B);
      expect(await (await streams.toBlob(await bytesOf(client, "b"))).text()).toBe(TEXT_B);
    });
  });

  it("becomes JSON that says all of a message", async () => {
    await withRecording(async (client) => {
      const one = (await streamOf(client, "b"))
        .pipeThrough<Message>(new streams.LimitedTransformStream(1))
        .pipeThrough(new JsonStringifyStream({ suffix: "" }));
      expect(await streams.toJson(one)).toEqual({
        timestamp_ns: "100",
        topic: "b",
        ontology: "Sample",
        data: { serial: 0, label: null, values: [], place: null },
      });
    });
  });

  it("concatenates and merges with others of its kind", async () => {
    await withRecording(async (client) => {
      const both = async () => [await linesOf(client, "a"), await linesOf(client, "b")];
      expect(await streams.toText(streams.concatReadableStreams(...await both()))).toBe(TEXT_A + TEXT_B);
      const merged: string[] = await collect(streams.mergeReadableStreams(...await both()));
      expect(merged.filter((line) => line.startsWith("a")).join("")).toBe(TEXT_A);
      expect(merged.filter((line) => line.startsWith("b")).join("")).toBe(TEXT_B);
    });
  });

  it("zips with a shorter one, at whose end it is closed", async () => {
    await withRecording(async (client) => {
      const long = (await client.topicHandler("s", "a")).getDataStreamer();
      const zipped = streams.earlyZipReadableStreams(await streamOf(client, "b"), long.toReadableStream());
      const times = (await collect<Message>(zipped)).map(({ timestampNs }) => timestampNs);
      expect(times).toEqual([100n, 0n, 101n, 1n, 102n, 2n, 103n, 3n]);
      expect(await long.next()).toEqual({ done: true, value: undefined });
    });
  });

  it("is limited by messages or bytes, and closed at the limit", async () => {
    await withRecording(async (client) => {
      const streamer = (await client.topicHandler("s", "a")).getDataStreamer();
      const two: TransformStream<Message, Message> = new streams.LimitedTransformStream(2);
      const limited = await collect(streamer.toReadableStream().pipeThrough(two));
      expect(limited.map(({ timestampNs }) => timestampNs)).toEqual([0n, 1n]);
      await settle();
      expect(await streamer.next()).toEqual({ done: true, value: undefined });

      const nine = (error: boolean) => new streams.LimitedBytesTransformStream(9, { error });
      const bytes = async (error: boolean) =>
        streams.toText((await bytesOf(client, "a")).pipeThrough(nine(error)));
      expect(await bytes(false)).toBe("a 0\na 1\n");
      expect(await thrownBy(() => bytes(true))).toBeInstanceOf(RangeError);
      const slice = (await bytesOf(client, "a")).pipeThrough(new streams.ByteSliceStream(4, 11));
      expect(await streams.toText(slice)).toBe("a 1\na 2\n");
    });
  });

  it("goes through a generator, and is abortable", async () => {
    await withRecording(async (client) => {
      const even = streams.toTransformStream(async function* (source: AsyncIterable<Message>) {
        for await (const message of source) if (message.timestampNs % 2n === 0n) yield message;
      });
      const seen = await collect<Message>((await streamOf(client, "a")).pipeThrough(even));
      expect(seen.map(({ data }) => data.serial)).toEqual([0n, 2n, 4n]);

      const controller = new AbortController();
      const streamer = (await client.topicHandler("s", "a")).getDataStreamer();
      const aborted = abortable(streamer, controller.signal) as AsyncIterable<Message>;
      const thrown = await thrownBy(async () => {
        for await (const { timestampNs } of aborted) {
          if (timestampNs === 2n) controller.abort(new Error("enough"));
        }
      });
      expect(thrown).toBe(controller.signal.reason);
    });
  });

  it("feeds a multiplexer of async iterables, as every streamer does", async () => {
    await withRecording(async (client) => {
      const mux = new MuxAsyncIterator();
      for (const topic of ["a", "b"]) mux.add((await client.topicHandler("s", topic)).getDataStreamer());
      const seen: bigint[] = [];
      for await (const { timestampNs } of mux as AsyncIterable<Message>) seen.push(timestampNs);
      expect(seen.filter((ns) => ns < 100n)).toEqual([0n, 1n, 2n, 3n, 4n, 5n]);
      expect(seen.filter((ns) => ns >= 100n)).toEqual([100n, 101n, 102n, 103n]);
    });
  });
});

describe("toWritableStream with Deno's standard library", () => {
  it("records from lines of JSON what was written as lines of JSON", async () => {
    await withRecording(async (client) => {
      const lines = (await streamOf(client, "a")).pipeThrough(new JsonStringifyStream({}));
      const file = new Blob([await streams.toText(lines)]);
      await client.sequenceCreate("copy", {}, async (sequence) => {
        const topic = await sequence.topicCreate("a", { ontology: Sample });
        await file.stream()
          .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
          .pipeThrough(new streams.TextLineStream())
          .pipeThrough(new JsonParseStream())
          .pipeThrough(
            new TransformStream<MessageJson, unknown>({
              transform: ({ timestamp_ns, data }, controller) =>
                controller.enqueue({ timestampNs: BigInt(timestamp_ns), data }),
            }),
          )
          .pipeTo(topic.toWritableStream() as WritableStream<unknown>);
      });
      const wanted = (await allTexts(client, "s")).filter((text) => text.startsWith("a "));
      expect(await allTexts(client, "copy")).toEqual(wanted);
    });
  });

  it("takes streams that were merged on the way, and puts them in order", async () => {
    await withRecording(async (client) => {
      await client.sequenceCreate("both", {}, async (sequence) => {
        const topic = await sequence.topicCreate("c", { ontology: Sample });
        const merged = streams.mergeReadableStreams(await streamOf(client, "b"), await streamOf(client, "a"));
        await merged.pipeTo(topic.toWritableStream());
      });
      const times: bigint[] = [];
      for await (const { timestampNs } of (await client.topicHandler("both", "c")).getDataStreamer()) {
        times.push(timestampNs);
      }
      expect(times).toEqual([0n, 1n, 2n, 3n, 4n, 5n, 100n, 101n, 102n, 103n]);
    });
  });
});
