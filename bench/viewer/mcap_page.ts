/// <reference lib="dom" />
/**
 * A page that reads an MCAP file by ranges through `@mcap/core`, as viewers do. It draws nothing: what it takes is the least
 * that a viewer over it can take.
 *
 * @module
 */
import { McapIndexedReader } from "@mcap/core";
import { lz4Decompress } from "../../src/engine/lz4.ts";

/** What the page can do; times are milliseconds. */
export interface McapPage {
  /** Opens the file, and reads the numbers of topics in a window: all of it where there is none. */
  read(
    url: string,
    topics: readonly string[],
    window?: { readonly startTime: bigint; readonly endTime: bigint },
  ): Promise<
    { ms: number; extremes: { min: number; max: number }[]; count: number }
  >;
  /** The last number of each topic at a moment, of a file that is open. */
  latest(
    topics: readonly string[],
    ns: bigint,
  ): Promise<{ ms: number; values: number[] }>;
}

declare global {
  var mcapPage: McapPage;
}

let reader: McapIndexedReader | undefined;

async function open(url: string): Promise<McapIndexedReader> {
  const head = await fetch(url, { method: "HEAD" });
  const size = BigInt(head.headers.get("content-length")!);
  return await McapIndexedReader.Initialize({
    readable: {
      size: () => Promise.resolve(size),
      async read(offset, length) {
        const range = `bytes=${offset}-${offset + length - 1n}`;
        return new Uint8Array(
          await (await fetch(url, { headers: { range } })).arrayBuffer(),
        );
      },
    },
    decompressHandlers: {
      lz4: (bytes, size) => lz4Decompress(bytes, Number(size)),
    },
  });
}

function numberOf({ buffer, byteOffset }: Uint8Array): number {
  return new DataView(buffer, byteOffset).getFloat64(0, true);
}

globalThis.mcapPage = {
  async read(url, topics, window) {
    const start = performance.now();
    reader ??= await open(url);
    const places = new Map<number, number>();
    for (const { id, topic } of reader.channelsById.values()) {
      if (topics.includes(topic)) places.set(id, topics.indexOf(topic));
    }
    const extremes = topics.map(() => ({ min: Infinity, max: -Infinity }));
    let count = 0;
    for await (
      const { channelId, data } of reader.readMessages({ topics, ...window })
    ) {
      const value = numberOf(data);
      const own = extremes[places.get(channelId)!];
      if (value < own.min) own.min = value;
      if (value > own.max) own.max = value;
      count++;
    }
    return { ms: performance.now() - start, extremes, count };
  },
  async latest(topics, ns) {
    const start = performance.now();
    const values = topics.map(() => NaN);
    let left = topics.length;
    for await (
      const { channelId, data } of reader!.readMessages({
        topics,
        endTime: ns,
        reverse: true,
      })
    ) {
      const place = topics.indexOf(reader!.channelsById.get(channelId)!.topic);
      if (!Number.isNaN(values[place])) continue;
      values[place] = numberOf(data);
      if (--left === 0) break;
    }
    return { ms: performance.now() - start, values };
  },
};
