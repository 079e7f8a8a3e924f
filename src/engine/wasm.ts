/**
 * The engine over the Rust crates: the binding's numbers (crates/wasm/src/lib.rs) -> the engine's shapes.
 *
 * Views on a module's memory die when it grows, so results are copied out and views are made anew for each call.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import type { BatchLayout, Codec, Engine, Merger, NativeCodecs, RowPicker } from "../engine.ts";
import { SOURCE_HASH } from "./generated/source_hash.ts";
import { sampleBytes, sampleStarts } from "./lz4_samples.ts";
import { noMemory, Wasm, type WasmExports } from "./wasm_instance.ts";
import { WasmMerger, WasmRowPicker } from "./wasm_picker.ts";
import { zstdDecompress } from "./zstd_frame.ts";
import {
  COLUMN_WORDS,
  RECORD_ENCODINGS,
  type RecordColumns,
  type RecordDecoder,
  type RecordJob,
  type RecordPlan,
} from "../record_plan.ts";

/** As the binding numbers them. */
const CODECS: readonly Codec[] = ["none", "lz4", "zstd"];

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The engine over a compiled module. INVALID_ARGUMENT where the module is another than the one built from the
 * sources of this version.
 */
export async function createWasmEngine(
  module: WebAssembly.Module,
  native: NativeCodecs = {},
): Promise<Engine> {
  const exports = await instantiate(module);
  exports.start();
  return new WasmEngine(exports, native);
}

async function instantiate(module: WebAssembly.Module): Promise<WasmExports> {
  let exports: WasmExports;
  let hash: string | undefined;
  try {
    // It imports nothing. Overloads that give an instance alone are not in all type declarations.
    exports = (await WebAssembly.instantiate(module, {})).exports as unknown as WasmExports;
    hash = utf8.decode(new Uint8Array(exports.memory.buffer, exports.source_hash_ptr(), SOURCE_HASH.length));
  } catch (cause) {
    throw new SmaltiError("INVALID_ARGUMENT", "WASM module is not smalti's engine", { cause });
  }
  if (hash !== SOURCE_HASH) {
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      `WASM module was built from other sources (${hash.slice(0, 12)}): wanted ${SOURCE_HASH.slice(0, 12)}`,
    );
  }
  return exports;
}

class WasmEngine implements Engine {
  readonly name = "wasm";
  readonly version: string;
  readonly simd: boolean;
  readonly crc32: (bytes: Uint8Array, before?: number) => number;
  readonly #wasm: Wasm;
  /** ZSTD through the runtime's own, where it has one: four times as fast. */
  readonly #zstd: NativeCodecs["zstdDecompress"];

  constructor(exports: WasmExports, native: NativeCodecs) {
    const version = exports.version();
    this.version = [version >> 20, (version >> 10) & 1023, version & 1023].join(".");
    this.simd = exports.simd() !== 0;
    this.#wasm = new Wasm(exports);
    this.crc32 = native.crc32 ?? ((bytes, before = 0) => this.#crc32(bytes, before));
    this.#zstd = native.zstdDecompress;
  }

  parseBatch(message: Uint8Array): BatchLayout {
    const wasm = this.#wasm;
    return wasm.run(({ parse_batch, numbers_ptr, numbers_len }) => {
      const head = message.subarray(0, headBytes(message));
      wasm.put(head);
      wasm.check(parse_batch(head.length, message.length));
      const numbers = new Float64Array(wasm.buffer, numbers_ptr(), numbers_len()).slice();
      const [rows, codec, isDictionary, idHigh, idLow, isDelta, nodes, buffers, variadic] = numbers;
      let at = 10;
      const next = (length: number) => numbers.slice(at, at += length);
      return {
        rows,
        codec: CODECS[codec],
        nodes: next(nodes),
        buffers: next(buffers),
        variadic: next(variadic),
        metadata: readPairs(numbers.subarray(at), wasm.text()),
        ...(isDictionary === 1 && {
          dictionary: { id: (BigInt(idHigh) << 32n) | BigInt(idLow), isDelta: isDelta === 1 },
        }),
      };
    });
  }

  decompress(
    codec: "lz4" | "zstd",
    bytes: Uint8Array,
    rawLength: number,
    allocate?: (bytes: number) => Uint8Array,
  ): Uint8Array {
    if (codec === "zstd" && this.#zstd) return zstdDecompress(bytes, rawLength, this.#zstd);
    const wasm = this.#wasm;
    return wasm.run(({ decompress }) => {
      wasm.put(bytes);
      wasm.check(decompress(CODECS.indexOf(codec), bytes.length, rawLength));
      return wasm.output(allocate);
    });
  }

  compress(bytes: Uint8Array, part = 4): Uint8Array | undefined {
    const wasm = this.#wasm;
    return wasm.run(({ compress, is_worthwhile }) => {
      const length = sampleBytes(bytes.length);
      if (length > 0) {
        // The samples alone: what does not compress need not be copied.
        const at = wasm.room(2 * length);
        const input = new Uint8Array(wasm.buffer, at, 2 * length);
        sampleStarts(bytes.length).forEach((start, i) => {
          input.set(bytes.subarray(start, start + length), i * length);
        });
        if (is_worthwhile(length, part) === 0) return undefined;
      }
      wasm.put(bytes);
      return compress(bytes.length, part) === 0 ? undefined : wasm.outputView();
    });
  }

  createMerger(): Merger {
    return new WasmMerger(new WasmRowPicker(this.#wasm));
  }

  createPicker(allocate?: (bytes: number) => ArrayBuffer): RowPicker {
    return new WasmRowPicker(this.#wasm, allocate);
  }

  createRecordDecoder(plan: RecordPlan): RecordDecoder {
    return new WasmRecordDecoder(this.#wasm, plan);
  }

  decodeRecords(chunk: Uint8Array, jobs: readonly RecordJob[]): void {
    const wasm = this.#wasm;
    wasm.run(({ records_chunk }) => {
      const at = records_chunk(chunk.length);
      if (at === 0) throw noMemory(chunk.length);
      new Uint8Array(wasm.buffer, at, chunk.length).set(chunk);
    });
    for (const { decoder, spans, statuses } of jobs) {
      (decoder as WasmRecordDecoder).decode(spans, statuses);
    }
  }

  #crc32(bytes: Uint8Array, before: number): number {
    return this.#wasm.run(({ crc32 }) => {
      this.#wasm.put(bytes);
      return crc32(bytes.length, before) >>> 0;
    });
  }
}

/** A decoder that lives in the module. */
class WasmRecordDecoder implements RecordDecoder {
  readonly #wasm: Wasm;
  readonly #id: number;
  /** Numbers before the places of the buffers. */
  readonly #nodeNumbers: number;
  #rows = 0;
  #bytes = 0;

  constructor(wasm: Wasm, { encoding, columns, code }: RecordPlan) {
    this.#wasm = wasm;
    this.#nodeNumbers = 2 * columns.length / COLUMN_WORDS;
    this.#id = wasm.run(({ records_open }) => {
      const length = columns.length + code.length;
      const at = wasm.room(4 * length);
      const input = new Int32Array(wasm.buffer, at, length);
      input.set(columns);
      input.set(code, columns.length);
      return records_open(RECORD_ENCODINGS.indexOf(encoding), columns.length, code.length);
    });
  }

  get rows(): number {
    return this.#rows;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Decodes records of the module's chunk. */
  decode(spans: Int32Array, statuses: Uint8Array): void {
    const wasm = this.#wasm;
    const count = statuses.length;
    wasm.run(({ records_decode, output_ptr }) => {
      const at = wasm.room(8 * count);
      new Int32Array(wasm.buffer, at, 2 * count).set(spans.subarray(0, 2 * count));
      this.#bytes = records_decode(this.#id, count);
      statuses.set(new Uint8Array(wasm.buffer, output_ptr(), count));
    });
    this.#rows += count;
  }

  take(allocate?: (bytes: number) => Uint8Array): RecordColumns {
    const wasm = this.#wasm;
    return wasm.run(({ records_collect, records_reset, numbers_ptr, numbers_len }) => {
      records_collect(this.#id);
      const numbers = new Float64Array(wasm.buffer, numbers_ptr(), numbers_len());
      const nodes = [...numbers.subarray(0, this.#nodeNumbers)];
      const buffers = copyBuffers(new Uint8Array(wasm.buffer), numbers.subarray(this.#nodeNumbers), allocate);
      records_reset(this.#id);
      const rows = this.#rows;
      this.#rows = this.#bytes = 0;
      return { rows, nodes, buffers };
    });
  }

  close(): void {
    this.#wasm.run(({ records_close }) => records_close(this.#id));
  }
}

/** Copies of parts of a memory, by place and length of each: all in one ArrayBuffer, since many cost more than the copying. */
function copyBuffers(
  memory: Uint8Array,
  places: Float64Array,
  allocate: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
): Uint8Array[] {
  let total = 0;
  for (let i = 1; i < places.length; i += 2) total += aligned(places[i]);
  const whole = allocate(total);
  const buffers: Uint8Array[] = [];
  for (let i = 0, at = 0; i < places.length; i += 2) {
    const [start, length] = [places[i], places[i + 1]];
    const buffer = whole.subarray(at, at + length);
    if (length > 0) buffer.set(memory.subarray(start, start + length));
    buffers.push(buffer);
    at += aligned(length);
  }
  return buffers;
}

/** Bytes up to the next multiple of 8. */
function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** How much of a message the parser reads: its head, as far as it is there. */
function headBytes(message: Uint8Array): number {
  if (message.length < 8) return message.length;
  const view = new DataView(message.buffer, message.byteOffset, 8);
  const marked = view.getInt32(0, true) === -1;
  const length = view.getInt32(marked ? 4 : 0, true);
  return Math.min(message.length, Math.max(8, length + (marked ? 8 : 4)));
}

function readPairs(lengths: Float64Array, text: Uint8Array): Map<string, string> {
  let at = 0;
  const next = (length: number) => utf8.decode(text.subarray(at, at += length));
  const pairs = new Map<string, string>();
  for (let i = 0; i < lengths.length; i += 2) pairs.set(next(lengths[i]), next(lengths[i + 1]));
  return pairs;
}
