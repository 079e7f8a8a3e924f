import { describe, expect, it } from "vitest";
import {
  binary,
  type Client,
  connect,
  defineOntology,
  type SequenceHandler,
  SmaltiError,
} from "../../mod.ts";
import { convertRecording } from "../../src/export/convert/convert.ts";
import { exportJsonLines } from "../../src/export/json_lines.ts";
import { exportMcap } from "../../src/export/mcap/export_mcap.ts";
import type { ByteSource } from "../../src/import/byte_source.ts";
import { importJsonLines } from "../../src/import/json_lines/import_json_lines.ts";
import { encode } from "../import/mcap_file.ts";

const Blob1 = defineOntology("Blob1", { data: binary() });
const MIB = 2 ** 20;

/** Resolves when a number has not grown for many turns. */
async function settled(value: () => number): Promise<number> {
  let [last, turns] = [value(), 0];
  while (turns < 40) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    turns = value() === last ? turns + 1 : 0;
    last = value();
  }
  return last;
}

/** A gate that is closed. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => open = resolve);
  return { opened, open };
}

/** Writes messages of a mebibyte, as many as are wanted, and counts those that were taken. */
function mebibytes(count: number, end?: () => Promise<never>) {
  const state = { taken: 0 };
  const read = (client: Client) =>
    client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("t", { ontology: Blob1 });
      const data = new Uint8Array(MIB);
      for (; state.taken < count; state.taken++) {
        await topic.push({ timestampNs: BigInt(state.taken), data: { data } });
      }
      await end?.();
    });
  return { state, read };
}

/** A sink that takes nothing until its gate is open, and notes how it ended. */
function slowSink(opened: Promise<void>, fails?: Error) {
  const ends: unknown[] = [];
  let writes = 0;
  const sink = new WritableStream<Uint8Array>({
    async write() {
      writes++;
      await opened;
      if (fails) throw fails;
    },
    close: () => void ends.push("closed"),
    abort: (reason) => void ends.push(reason),
  });
  return { sink, ends, writes: () => writes };
}

const toSink = (sink: WritableStream<Uint8Array>) => (handler: SequenceHandler, signal: AbortSignal) =>
  exportMcap(handler, sink, { signal, compression: "none" });

/** What a promise rejects with. Not by `expect`, with which Bun waits at once. */
const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => expect.fail("resolved"), (reason) => reason);

describe("a sink that takes nothing", () => {
  it("stops the import, which goes on with it", async () => {
    await using client = await connect("memory:");
    const { opened, open } = gate();
    const { sink, ends } = slowSink(opened);
    const { state, read } = mebibytes(300);
    const converting = convertRecording(client, read, toSink(sink));
    const held = await settled(() => state.taken);
    expect(held).toBeGreaterThan(16);
    expect(held).toBeLessThan(100);
    open();
    expect((await converting).exported.messageCount).toBe(300);
    expect([state.taken, ends]).toEqual([300, ["closed"]]);
  });

  it("and fails then fails the conversion, and ends the import that waits", async () => {
    await using client = await connect("memory:");
    const { opened, open } = gate();
    const full = new SmaltiError("NO_SPACE", "Cannot write: the disk is full");
    const { sink } = slowSink(opened, full);
    const reasons: unknown[] = [];
    const { state, read } = mebibytes(300);
    const converting = convertRecording(client, (into, signal) => {
      signal.addEventListener("abort", () => reasons.push(signal.reason));
      return read(into);
    }, toSink(sink));
    const failed = reasonOf(converting);
    await settled(() => state.taken);
    open();
    expect(await failed).toBe(full);
    expect(reasons).toEqual([full]);
    // Nobody waits for room where nobody reads.
    expect(state.taken).toBe(300);
  });

  it("does not keep an import that fails from failing the conversion", async () => {
    await using client = await connect("memory:");
    const { opened, open } = gate();
    const { sink, ends } = slowSink(opened);
    const broken = new SmaltiError("CORRUPT", "the file is cut");
    const { state, read } = mebibytes(40, () => Promise.reject(broken));
    const failed = reasonOf(convertRecording(client, read, toSink(sink)));
    await settled(() => state.taken);
    open();
    expect(await failed).toBe(broken);
    expect(ends).toEqual([expect.objectContaining({ code: "ABORTED" })]);
  });

  it("is given up by a signal, whoever waits", async () => {
    await using client = await connect("memory:");
    const { opened, open } = gate();
    const { sink, ends } = slowSink(opened);
    const stop = new AbortController();
    const enough = new Error("enough");
    let taken = 0;
    const read = (into: Client, signal: AbortSignal) =>
      into.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("t", { ontology: Blob1 });
        for (const data = new Uint8Array(MIB); taken < 300; taken++) {
          signal.throwIfAborted();
          await topic.push({ timestampNs: BigInt(taken), data: { data } });
        }
      });
    const failed = reasonOf(convertRecording(client, read, toSink(sink), { signal: stop.signal }));
    await settled(() => taken);
    stop.abort(enough);
    open();
    expect(await failed).toBe(enough);
    expect(taken).toBeLessThan(100);
    expect(ends).toEqual([expect.anything()]);
    expect(ends).not.toEqual(["closed"]);
  });

  it("is given up by a signal when all has been read", async () => {
    await using client = await connect("memory:");
    const { opened, open } = gate();
    const { sink, ends } = slowSink(opened);
    const stop = new AbortController();
    const enough = new Error("enough");
    const { read } = mebibytes(3);
    let hasRead = false;
    const reading = async (into: Client) => {
      await read(into);
      hasRead = true;
    };
    const failed = reasonOf(convertRecording(client, reading, toSink(sink), { signal: stop.signal }));
    await settled(() => Number(hasRead));
    stop.abort(enough);
    open();
    expect(await failed).toBe(enough);
    expect(ends).toEqual([enough]);
  });
});

/** Bytes that come when they are sent. */
function pipe(): { source: ByteSource; send: (text: string) => void } {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const chunks = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
  });
  return {
    source: { chunks, isLive: true, name: "-" },
    send: (text) => controller.enqueue(encode(text)),
  };
}

const line = (i: number) => `{"timestamp_ns":"${i}","topic":"t","ontology":"T","data":{"v":${i}.5}}\n`;

describe("a live source", () => {
  it("that is ended by the signal is written whole, as far as it came", async () => {
    await using client = await connect("memory:");
    const { source, send } = pipe();
    const stop = new AbortController();
    const { sink, ends } = slowSink(Promise.resolve());
    const texts: string[] = [];
    const decoder = new TextDecoder();
    const through = new TransformStream<Uint8Array, Uint8Array>({
      transform: (bytes) => void texts.push(decoder.decode(bytes)),
    });
    const piped = through.readable.pipeTo(sink);
    send(line(2) + line(1));
    const converting = convertRecording(
      client,
      (into, signal) => {
        const onProgress = () => setTimeout(() => stop.abort(new Error("Ctrl-C")));
        return importJsonLines(into, source, { name: "s", signal, onProgress });
      },
      (handler, signal) => exportJsonLines(handler, through.writable, { signal }),
      { signal: stop.signal },
    );
    await expect(converting).rejects.toMatchObject({
      code: "ABORTED",
      rawMessage: `Import of "-" was aborted; what came before is written: messages 2, topics 1`,
    });
    await piped;
    expect(ends).toEqual(["closed"]);
    expect(texts.join("").trim().split("\n").map((text) => JSON.parse(text).timestamp_ns)).toEqual([
      "1",
      "2",
    ]);
  });

  it("that is ended by the signal, and cannot be written, fails with that", async () => {
    await using client = await connect("memory:");
    const { source, send } = pipe();
    const stop = new AbortController();
    const full = new Error("full");
    send(line(1));
    const converting = convertRecording(
      client,
      (into, signal) => {
        const onProgress = () => setTimeout(() => stop.abort(new Error("Ctrl-C")));
        return importJsonLines(into, source, { name: "s", signal, onProgress });
      },
      (handler, signal) => exportJsonLines(handler, slowSink(Promise.resolve(), full).sink, { signal }),
      { signal: stop.signal },
    );
    await expect(converting).rejects.toBe(full);
  });

  it("that is silent does not keep an export that fails from failing the conversion", async () => {
    await using client = await connect("memory:");
    const { source, send } = pipe();
    send(line(1));
    const full = new Error("full");
    const converting = convertRecording(
      client,
      (into, signal) => importJsonLines(into, source, { name: "s", signal }),
      () => Promise.reject(full),
    );
    await expect(converting).rejects.toBe(full);
  });
});

describe("convertRecording", () => {
  const handed = (handler: SequenceHandler) => Promise.resolve(handler.name);

  it("begins nothing where it is given up before", async () => {
    await using client = await connect("memory:");
    const enough = new Error("enough");
    const calls: string[] = [];
    const converting = convertRecording(
      client,
      () => Promise.resolve(calls.push("read")),
      () => Promise.resolve(calls.push("write")),
      { signal: AbortSignal.abort(enough) },
    );
    await expect(converting).rejects.toBe(enough);
    expect(calls).toEqual([]);
  });

  it("asks for no output where the file is none", async () => {
    await using client = await connect("memory:");
    const calls: string[] = [];
    const converting = convertRecording(
      client,
      (into, signal) => importJsonLines(into, new Blob(["{"]), { name: "s", signal }),
      () => Promise.resolve(calls.push("write")),
    );
    await expect(converting).rejects.toMatchObject({ code: "CORRUPT" });
    expect(calls).toEqual([]);
  });

  it("wants one sequence, and one that is ended", async () => {
    await using client = await connect("memory:");
    await expect(convertRecording(client, () => Promise.resolve(1), handed)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("nothing made a sequence"),
    });
    const two = async (into: Client) => {
      for (const name of ["a", "b"]) await into.sequenceCreate(name, {}, () => {});
    };
    await expect(convertRecording(client, two, handed)).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining(`"b" beside "a"`),
    });
    const open = async (into: Client) => void await into.sequenceCreate("a");
    const all = async (handler: SequenceHandler) => {
      for await (const _ of handler.getDataStreamer());
    };
    await expect(convertRecording(client, open, all)).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("lets the export take a part, and goes on to its end", async () => {
    await using client = await connect("memory:");
    const { state, read } = mebibytes(100);
    const first = async (handler: SequenceHandler) => {
      for await (const [, { timestampNs }] of handler.getDataStreamer()) return timestampNs;
    };
    const { exported } = await convertRecording(client, read, first);
    expect([exported, state.taken]).toEqual([0n, 100]);
  });

  it("refuses options that it does not have", async () => {
    await using client = await connect("memory:");
    const options = { signals: 1 } as object;
    await expect(convertRecording(client, () => Promise.resolve(), handed, options)).rejects.toThrow(
      TypeError,
    );
  });
});
