/**
 * What the TypeScript engine makes of small frames and messages: whole, cut anywhere, damaged everywhere. The tests
 * of `crates/core` hold the Rust engine to the same outcomes, error texts included.
 *
 * Run: `deno run -A tests/engine/make_fixtures.ts`. It reads the files of `tests/fixtures/engine/` that other
 * software wrote (liblz4 1.9.4, libzstd 1.5, pyarrow 26), adds what it makes itself, and writes `expected.json`.
 *
 * @module
 */
import { columnsFrom } from "../../src/arrow/columns_from.ts";
import { decodeBatch, decodeFrame } from "../../src/engine/batch_message.ts";
import { sealBatch } from "../../src/arrow/seal_batch.ts";
import type { BatchLayout } from "../../src/engine.ts";
import { createJsEngine } from "../../src/engine/js.ts";
import { loadNativeCodecs } from "../../src/engine/load/native.ts";
import { xxh32 } from "../../src/engine/xxhash.ts";
import { SmaltiError } from "../../src/error.ts";
import type { FieldSchema } from "../../src/schema.ts";

const folder = new URL("../fixtures/engine/", import.meta.url);
// With the runtime's libzstd: it stays in bounds whatever a block says, and notices the most.
const engine = createJsEngine(loadNativeCodecs());
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Values that are written over every four bytes in turn. */
const WORDS = [
  0,
  1,
  4,
  8,
  0xff,
  0xffff,
  0x7fffffff,
  0x80000000,
  0xfffffff0,
  0xffffffff,
];

/** Outcomes of a series of calls: how often each, for people, without numbers; and a hash over all, in order. */
interface Series {
  counts: Record<string, number>;
  crc: number;
}

function series(outcomes: Iterable<string>): Series {
  const counts: Record<string, number> = {};
  const all: string[] = [];
  for (const outcome of outcomes) {
    all.push(outcome);
    const key = outcome.startsWith("ok ") ? "ok" : outcome.replace(/-?\d+/, "N");
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return { counts, crc: engine.crc32(encode(all.join("\n"))) };
}

function outcome(call: () => Uint8Array): string {
  try {
    const bytes = call();
    return `ok ${bytes.length} ${engine.crc32(bytes)}`;
  } catch (error) {
    if (error instanceof SmaltiError) {
      return `${error.code} ${error.rawMessage}`;
    }
    throw error;
  }
}

function* cuts(bytes: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length < bytes.length; length++) {
    yield bytes.slice(0, length);
  }
}

/** Every bit of the first `within` bytes flipped, one at a time. */
function* flips(bytes: Uint8Array, within: number): Generator<Uint8Array> {
  for (let bit = 0; bit < 8 * within; bit++) {
    const copy = bytes.slice();
    copy[bit >> 3] ^= 1 << (bit & 7);
    yield copy;
  }
}

/** Every four bytes of the first `within` overwritten, by each of {@linkcode WORDS}. */
function* words(bytes: Uint8Array, within: number): Generator<Uint8Array> {
  for (let at = 0; at + 4 <= within; at++) {
    for (const word of WORDS) {
      const copy = bytes.slice();
      new DataView(copy.buffer).setUint32(at, word, true);
      yield copy;
    }
  }
}

function* mapped<T, U>(items: Iterable<T>, call: (item: T) => U): Generator<U> {
  for (const item of items) yield call(item);
}

/** A layout as text that both engines can write. */
function layoutText(layout: BatchLayout): string {
  const { rows, codec, nodes, buffers, variadic, metadata, dictionary } = layout;
  const pairs = [...metadata].map(([key, value]) => `${key}=${value};`).join(
    "",
  );
  const id = dictionary ? `${dictionary.id},${dictionary.isDelta}` : "none";
  return [rows, codec, nodes.join(), buffers.join(), variadic.join(), pairs, id]
    .join("|");
}

function messageCase(file: string): object {
  const bytes = Deno.readFileSync(new URL(file, folder));
  const run = (message: Uint8Array): string => outcome(() => encode(layoutText(decodeBatch(message))));
  const head = decodeFrame(bytes)!.headBytes;
  return {
    file,
    head,
    layout: layoutText(decodeBatch(bytes)),
    cuts: series(mapped(cuts(bytes), run)),
    flips: series(mapped(flips(bytes, head), run)),
    words: series(mapped(words(bytes, head), run)),
  };
}

function frameCase(file: string, rawLength: number): object {
  const bytes = Deno.readFileSync(new URL(file, folder));
  const codec = file.endsWith(".lz4") ? "lz4" : "zstd";
  const decode = (frame: Uint8Array, length = rawLength): string =>
    outcome(() => engine.decompress(codec, frame, length));
  const result = {
    file,
    rawLength,
    whole: decode(bytes),
    cuts: series(mapped(cuts(bytes), (cut) => decode(cut))),
  };
  const lengths = [
    0,
    1,
    rawLength - 1,
    rawLength + 1,
    255 * bytes.length + 1,
    2 ** 32 + rawLength,
    2 ** 53 - 1,
  ];
  const claims = lengths.map((length) => [length, decode(bytes, length)]);
  if (codec === "lz4") {
    return {
      ...result,
      claims,
      flips: series(
        mapped(flips(bytes, Math.min(256, bytes.length)), (frame) => decode(frame)),
      ),
      // Of a long one it would only take long.
      words: rawLength > 1000 ? null : series(mapped(words(bytes, bytes.length), (frame) => decode(frame))),
    };
  }
  // ZSTD decoders differ in which damage inside blocks they notice, so outcomes are given one by one: "=" the right
  // bytes, "?" others, a letter an error.
  const codes = new Map([[result.whole, "="]]);
  const errors: string[] = [];
  const letters = Array.from(mapped(flips(bytes, bytes.length), (frame) => {
    const text = decode(frame);
    if (text.startsWith("ok ")) return codes.get(text) ?? "?";
    if (!codes.has(text)) {
      codes.set(text, String.fromCharCode(97 + errors.push(text) - 1));
    }
    return codes.get(text)!;
  }));
  return { ...result, claims, errors, flips: letters.join("") };
}

/** A frame of two linked blocks, the second of which repeats bytes of the first. */
function linkedFrame(): Uint8Array {
  const blocks = [
    [0xf0, 1, ...encode("0123456789abcdef")],
    [0x0f, 16, 0, 5, 0x1f, 0x78, 2, 0, 1, 0x50, ...encode("end..")],
  ];
  const bytes = [
    0x04,
    0x22,
    0x4d,
    0x18,
    0x40,
    0x40,
    (xxh32(Uint8Array.of(0x40, 0x40)) >>> 8) & 0xff,
  ];
  for (const block of blocks) bytes.push(block.length, 0, 0, 0, ...block);
  return Uint8Array.from([...bytes, 0, 0, 0, 0]);
}

/** A message as a smalti writer stores it: LZ4 where that saves, checksums in the metadata. */
function sealedMessage(): Uint8Array {
  const column = (
    name: string,
    type: FieldSchema["type"],
    nullable = false,
  ): FieldSchema => ({
    name,
    type,
    nullable,
    children: [],
  });
  const fields = [
    column("timestamp_ns", { kind: "int", bits: 64, signed: true }),
    column("value", { kind: "float", bits: 64 }, true),
    column("label", { kind: "utf8", offsets: 32 }),
  ];
  const rows = Array.from({ length: 40 }, (_, i) => i);
  const columns = columnsFrom(fields, rows.length, {
    timestamp_ns: BigInt64Array.from(
      rows,
      (i) => 1_700_000_000_000_000_000n + BigInt(i) * 10_000_000n,
    ),
    value: rows.map((i) => (i % 7 === 3 ? null : 20 + (i % 5) / 4)),
    label: rows.map((i) => (i % 2 === 0 ? "front" : "rear")),
  });
  return sealBatch(engine, columns).message;
}

Deno.writeFileSync(new URL("linked.lz4", folder), linkedFrame());
const sealed = sealedMessage();
Deno.writeFileSync(new URL("sealed.arrow", folder), sealed);
// Before Arrow 0.15 messages had no continuation marker.
Deno.writeFileSync(new URL("unmarked.arrow", folder), sealed.subarray(4));

const expected = {
  words: WORDS,
  messages: [
    "sealed.arrow",
    "unmarked.arrow",
    "dictionary.arrow",
    "view.arrow",
    "zstd.arrow",
  ].map(messageCase),
  frames: [
    frameCase("linked.lz4", 66),
    frameCase("linked-checksums.lz4", 200_000),
    frameCase("readings.lz4", 600),
    frameCase("readings-checksum.lz4", 600),
    frameCase("stored.lz4", 16),
    frameCase("readings.zst", 960),
    frameCase("readings-checksum.zst", 960),
    frameCase("readings-window.zst", 960),
    frameCase("readings-window-plain.zst", 960),
    frameCase("text.zst", 79),
  ],
};
Deno.writeTextFileSync(
  new URL("expected.json", folder),
  JSON.stringify(expected) + "\n",
);
