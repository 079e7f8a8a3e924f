import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { decodeFooter } from "../../src/arrow/decode.ts";
import { decodeBatch, decodeFrame } from "../../src/engine/batch_message.ts";
import { Client } from "../../src/client.ts";
import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import type { Engine } from "../../src/engine.ts";
import { createJsEngine } from "../../src/engine/js.ts";
import { createWasmEngine } from "../../src/engine/wasm.ts";
import { SmaltiError } from "../../src/error.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll } from "../../src/store/store.ts";
import { SAMPLE, SAMPLE_ROWS } from "../support/damage.ts";
import { field } from "../support/tables.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { somePositions } from "../support/positions.ts";

const open = (path: string) => readFile(new URL(path, import.meta.url));
const module = await WebAssembly.compile(await open("../../src/engine/generated/smalti.wasm"));
const engines = [createJsEngine(), await createWasmEngine(module)];
const { seed } = caseRange(0);
/** All bits are flipped in so many bytes at either end, where the most is decided. */
const EDGE = 512;
const FILE = "s/t.arrow";
const MANIFEST = "s/sequence.json";

/** What a replay gives: messages as JSON up to the end or the error, and its code and text. */
interface Outcome {
  rows: string[];
  error: string | undefined;
}

async function replay(store: MemoryStore, engine: Engine): Promise<Outcome> {
  const rows: string[] = [];
  try {
    const handler = await new Client(new EmbeddedBackend(store, engine)).sequenceHandler("s");
    for await (const [, message] of handler.getDataStreamer()) {
      rows.push(JSON.stringify(message));
    }
    return { rows, error: undefined };
  } catch (error) {
    if (!(error instanceof SmaltiError)) throw error;
    return { rows, error: error.message };
  }
}

/** Records topic "t" of sequence "s" in two batches. */
async function recorded(fields: FieldSchema[], rows: readonly object[]): Promise<MemoryStore> {
  const store = new MemoryStore();
  const client = new Client(new EmbeddedBackend(store, engines[0]));
  await client.sequenceCreate("s", { metadata: { place: "Zürich" } }, async (sequence) => {
    const topic = await sequence.topicCreate("t", { ontology: { tag: "Any", format: "default", fields } });
    for (const [i, data] of rows.entries()) {
      await topic.push({ timestampNs: BigInt(1000 * i), data });
      if (i === rows.length >> 1) await topic.flush();
    }
  });
  return store;
}

/** A file that another writer made, as topic "t". */
async function foreign(bytes: Uint8Array): Promise<MemoryStore> {
  const store = await recorded([field("x", { kind: "bool" })], []);
  const manifest = JSON.parse(new TextDecoder().decode(await readAll(store, MANIFEST)));
  manifest.topics[0].sizeBytes = bytes.length;
  await store.replace(MANIFEST, new TextEncoder().encode(JSON.stringify(manifest)));
  await store.replace(FILE, bytes);
  return store;
}

const noise = new Random(5);
const RECORDINGS: Record<string, () => Promise<MemoryStore>> = {
  "of plain columns": () =>
    recorded(
      [field("raw", { kind: "int", bits: 32, signed: false })],
      Array.from({ length: 9 }, () => ({ raw: noise.below(2 ** 32) })),
    ),
  "of columns in LZ4": () =>
    recorded(
      [field("name", { kind: "utf8", offsets: 32 }), field("count", { kind: "int", bits: 64, signed: true })],
      Array.from({ length: 60 }, (_, i) => ({ name: `sensor ${i % 3}`, count: BigInt(i >> 3) })),
    ),
  "of nested columns with missing values": () => recorded(SAMPLE, SAMPLE_ROWS),
  "of another writer, in ZSTD": async () =>
    await foreign(Uint8Array.from(await open("../fixtures/engine/foreign-zstd.arrow"))),
};

/** Where the footer of a file begins, and the batches that it names. */
function footerOf(file: Uint8Array) {
  const end = file.length - 10; // its length and the magic bytes come after it
  const start = end - new DataView(file.buffer, file.byteOffset).getInt32(end, true);
  return { start, end, batches: decodeFooter(file.subarray(start, end)).batches };
}

/** Where the parts of a file begin: the batches, their bodies, the footer, and what follows each. */
function boundariesOf(file: Uint8Array): number[] {
  const { start, end, batches } = footerOf(file);
  const parts = batches.flatMap(({ offset, length }) => {
    const { headBytes } = decodeFrame(file.subarray(offset))!;
    return [offset, offset + headBytes, offset + length];
  });
  return [8, ...parts, start, end];
}

/** Where the blocks of ZSTD frames are, with no checksum: what is damaged there, decoders notice or do not. */
function zstdPlaces(file: Uint8Array): (at: number) => boolean {
  const places: [number, number][] = [];
  for (const batch of footerOf(file).batches) {
    const { codec, buffers } = decodeBatch(file.subarray(batch.offset, batch.offset + batch.length));
    if (codec !== "zstd") continue;
    for (let i = 0; i < buffers.length; i += 2) {
      const start = batch.offset + buffers[i];
      // After the raw length, magic number and frame header.
      if (buffers[i + 1] > 8) places.push([start + 8 + 6, start + buffers[i + 1]]);
    }
  }
  return (at) => places.some(([start, end]) => at >= start && at < end);
}

/** Replays on every engine: one outcome, which is the whole recording or its start and an error. */
class Damage {
  /** How often each code came, "" for none. */
  readonly codes: Record<string, number> = {};
  readonly #store: MemoryStore;
  readonly #path: string;
  readonly #bytes: Uint8Array;
  readonly #whole: string[];
  readonly #boundaries: number[];
  /** Whether there are checksums, so that no other data can come. */
  readonly #checked: boolean;

  private constructor(
    store: MemoryStore,
    path: string,
    bytes: Uint8Array,
    whole: string[],
    checked: boolean,
  ) {
    this.#store = store;
    this.#path = path;
    this.#bytes = bytes;
    this.#boundaries = path === FILE ? boundariesOf(bytes) : [];
    this.#whole = whole;
    this.#checked = checked;
  }

  static async to(store: MemoryStore, path: string, checked: boolean): Promise<Damage> {
    const [whole, other] = [await replay(store, engines[0]), await replay(store, engines[1])];
    expect(other).toEqual(whole);
    const { rows, error } = whole;
    expect(error).toBeUndefined();
    expect(rows.length).toBeGreaterThan(8);
    return new Damage(store, path, await readAll(store, path), rows, checked);
  }

  /** Lengths that are too short. */
  async cuts(): Promise<void> {
    for (const length of somePositions(this.#bytes.length, this.#boundaries)) {
      await this.#try(this.#bytes.slice(0, length), false, `${this.#path} cut to ${length} bytes`);
    }
  }

  /** One bit of a byte, of those near either end any; gives how many there were. */
  async flips(isExempt: (at: number) => boolean = () => false): Promise<number> {
    const random = new Random(seed);
    const bytes = this.#bytes.slice();
    const flips: { at: number; bit: number }[] = [];
    const firstOf: number[] = [];
    for (let at = 0; at < bytes.length; at++) {
      firstOf.push(flips.length);
      const isEdge = at < EDGE || at >= bytes.length - EDGE;
      for (const bit of isEdge ? [0, 1, 2, 3, 4, 5, 6, 7] : [random.below(8)]) flips.push({ at, bit });
    }
    const chosen = somePositions(flips.length, this.#boundaries.map((at) => firstOf[at]));
    for (const { at, bit } of chosen.map((i) => flips[i])) {
      bytes[at] ^= 1 << bit;
      await this.#try(bytes, isExempt(at), `${this.#path} with bit ${bit} of byte ${at} flipped`);
      bytes[at] ^= 1 << bit;
    }
    return chosen.length;
  }

  async #try(bytes: Uint8Array, exempt: boolean, what: string): Promise<void> {
    await this.#store.replace(this.#path, bytes);
    try {
      const [first, other] = [await replay(this.#store, engines[0]), await replay(this.#store, engines[1])];
      if (exempt) return;
      same(other.error, first.error, "errors of the two engines");
      same(other.rows.join("\n"), first.rows.join("\n"), "messages of the two engines");
      const { rows, error } = first;
      if (this.#checked) {
        same(rows.join("\n"), this.#whole.slice(0, rows.length).join("\n"), "messages, as recorded");
        if (error === undefined) same(rows.length, this.#whole.length, "number of messages");
      }
      const code = error === undefined ? "" : /^\[(\w+)\]/.exec(error)![1];
      this.codes[code] = (this.codes[code] ?? 0) + 1;
    } catch (reason) {
      throw failedCase(seed, "tests/engine/damage.test.ts", new Error(`${what}: ${(reason as Error).stack}`));
    }
  }
}

function short(value: unknown): string {
  const text = String(value);
  return text.length > 1000 ? `${text.slice(0, 1000)}...` : text;
}

/** As `expect`, but quick: it is called a hundred thousand times. */
function same(got: unknown, wanted: unknown, what: string): void {
  if (got !== wanted) throw new Error(`${what}: ${short(got)}, wanted ${short(wanted)}`);
}

describe.each(Object.entries(RECORDINGS))("A recording %s", (name, record) => {
  const isOurs = !name.includes("another writer");

  it("cut anywhere is CORRUPT on both engines", async () => {
    const damage = await Damage.to(await record(), FILE, isOurs);
    await damage.cuts();
    expect(Object.keys(damage.codes)).toEqual(["CORRUPT"]);
  });

  it("with any byte damaged has one outcome on both engines", async () => {
    const store = await record();
    const damage = await Damage.to(store, FILE, isOurs);
    const flips = await damage.flips(isOurs ? undefined : zstdPlaces(await readAll(store, FILE)));
    const allowed = ["", "CORRUPT", "UNSUPPORTED"];
    expect(Object.keys(damage.codes).filter((code) => !allowed.includes(code))).toEqual([]);
    expect(damage.codes.CORRUPT).toBeGreaterThan(flips / 4);
  });
});

describe("A manifest", () => {
  const record = RECORDINGS["of plain columns"];

  it("cut anywhere is CORRUPT on both engines", async () => {
    const damage = await Damage.to(await record(), MANIFEST, true);
    await damage.cuts();
    // Without its last byte, which ends the line, it is still whole.
    expect(damage.codes[""]).toBe(1);
    expect(Object.keys(damage.codes).sort()).toEqual(["", "CORRUPT"]);
  });

  it("with any byte damaged has one outcome on both engines", async () => {
    const damage = await Damage.to(await record(), MANIFEST, true);
    await damage.flips();
    // A topic of another name has no file; what the manifest says of a recording's origin has no checksum.
    const allowed = ["", "CORRUPT", "NOT_FOUND", "UNSUPPORTED"];
    expect(Object.keys(damage.codes).filter((code) => !allowed.includes(code))).toEqual([]);
  });
});
