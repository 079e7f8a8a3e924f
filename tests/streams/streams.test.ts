import { describe, expect, it } from "vitest";
// @ts-ignore: the package has no types
import { LimitedTransformStream } from "deno-std/streams/limited_transform_stream.js";
// @ts-ignore: the package has no types
import { toText } from "deno-std/streams/to_text.js";
// @ts-ignore: the package has no types
import { zipReadableStreams } from "deno-std/streams/zip_readable_streams.js";
import { type Client, connect, type Message, Temperature } from "../../mod.ts";

const ROWS = 10_000;

async function recorded(): Promise<Client> {
  const client = await connect("memory:");
  await client.sequenceCreate("oven", {}, async (sequence) => {
    const topic = await sequence.topicCreate("chamber", {
      ontology: Temperature,
    });
    for (let i = 0; i < ROWS; i++) {
      await topic.push({ timestampNs: BigInt(i), data: { value: i } });
    }
  });
  return client;
}

/** Array.fromAsync, which Node 20 lacks. */
async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const lines = () =>
  new TransformStream<[string, Message], string>({
    transform: ([topic, { timestampNs }], controller) => controller.enqueue(`${topic} ${timestampNs}\n`),
  });

describe("toReadableStream", () => {
  it("composes with the streams of Deno's standard library", async () => {
    await using client = await recorded();
    const handler = await client.sequenceHandler("oven");
    const text: string = await toText(
      handler.getDataStreamer({ endNs: 3n }).toReadableStream().pipeThrough(
        lines(),
      ),
    );
    expect(text).toBe("chamber 0\nchamber 1\nchamber 2\n");
    const pairs: [string, Message][] = await collect(
      handler.getDataStreamer().toReadableStream().pipeThrough(
        new LimitedTransformStream(5),
      ),
    );
    expect(pairs.map(([, message]) => message.timestampNs)).toEqual([
      0n,
      1n,
      2n,
      3n,
      4n,
    ]);
    const zipped = zipReadableStreams(
      handler.getDataStreamer({ endNs: 2n }).toReadableStream().pipeThrough(
        lines(),
      ),
      handler.getDataStreamer({ startNs: 7n, endNs: 9n }).toReadableStream()
        .pipeThrough(lines()),
    );
    expect(await toText(zipped)).toBe(
      "chamber 0\nchamber 7\nchamber 1\nchamber 8\n",
    );
  });

  it("reads no message before it is asked", async () => {
    await using client = await recorded();
    const streamer = (await client.topicHandler("oven", "chamber"))
      .getDataStreamer();
    const reader = streamer.toReadableStream().getReader();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await streamer.nextTimestampNs()).toBe(0n);
    expect((await reader.read()).value?.timestampNs).toBe(0n);
  });

  it("closes the streamer when it is cancelled", async () => {
    await using client = await recorded();
    const streamer = (await client.topicHandler("oven", "chamber"))
      .getDataStreamer();
    const stream = streamer.toReadableStream();
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
    expect(await streamer.next()).toEqual({ done: true, value: undefined });
  });
});

describe("toWritableStream", () => {
  it("records what is piped to it, and leaves the sequence open", async () => {
    await using client = await recorded();
    const handler = await client.topicHandler("oven", "chamber");
    await client.sequenceCreate("copy", {}, async (sequence) => {
      const topic = await sequence.topicCreate("half", {
        ontology: Temperature,
      });
      await handler.getDataStreamer({ endNs: 100n }).toReadableStream()
        .pipeThrough(
          new TransformStream({
            transform: ({ timestampNs, data }, controller) =>
              controller.enqueue({
                timestampNs,
                data: { value: data.value / 2 },
              }),
          }),
        ).pipeTo(topic.toWritableStream());
      expect(sequence.status).toBe("open");
    });
    const copied = await collect(
      (await client.topicHandler("copy", "half")).getDataStreamer(),
    );
    const values = copied.map((message) => message.data.value);
    expect(values).toEqual(Array.from({ length: 100 }, (_, i) => i / 2));
  });

  it("aborts the sequence when it is aborted, and refuses a bad message", async () => {
    await using client = await connect("memory:");
    const sequence = await client.sequenceCreate("bad", {
      errorPolicy: "delete",
    });
    const topic = await sequence.topicCreate("t", { ontology: Temperature });
    const writer = topic.toWritableStream().getWriter();
    await writer.write({ timestampNs: 1n, data: { value: 1 } });
    await writer.abort(new Error("enough"));
    expect(sequence.status).toBe("aborted");
    expect(await client.listSequences()).toEqual([]);
    const other = await client.sequenceCreate("other", {});
    const stream = (await other.topicCreate("t", { ontology: Temperature }))
      .toWritableStream();
    await expect(
      stream.getWriter().write({
        timestampNs: 1n,
        data: { value: "hot" } as never,
      }),
    )
      .rejects.toThrow("[INVALID_MESSAGE]");
    await other.abort();
  });
});
