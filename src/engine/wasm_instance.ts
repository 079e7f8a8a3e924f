/**
 * An instance of the WASM module: its exports (crates/wasm/src/lib.rs), its memory, what its statuses stand for.
 *
 * @module
 */
import { type ErrorCode, SmaltiError } from "../error.ts";

/** As the binding numbers them. */
const STATUS_CODES: readonly ErrorCode[] = ["INTERNAL", "CORRUPT", "UNSUPPORTED", "TOO_LARGE"];

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** What the module exports. */
export interface WasmExports {
  readonly memory: WebAssembly.Memory;
  start(): void;
  version(): number;
  simd(): number;
  source_hash_ptr(): number;
  panic_ptr(): number;
  panic_len(): number;
  input(bytes: number): number;
  output_ptr(): number;
  output_len(): number;
  numbers_ptr(): number;
  numbers_len(): number;
  text_ptr(): number;
  text_len(): number;
  parse_batch(headBytes: number, messageBytes: number): number;
  decompress(codec: number, bytes: number, rawBytes: number): number;
  compress(bytes: number, part: number): number;
  is_worthwhile(sampleBytes: number, part: number): number;
  crc32(bytes: number, before: number): number;
  records_open(encoding: number, columns: number, code: number): number;
  records_close(id: number): void;
  records_chunk(bytes: number): number;
  records_decode(id: number, count: number): number;
  records_collect(id: number): void;
  records_reset(id: number): void;
  picker_open(): number;
  picker_close(id: number): void;
  picker_numbers(id: number, column: number, run: number, bytes: number): number;
  picker_times(id: number, run: number, from: number, count: number): number;
  picker_add(id: number, run: number, topic: number, batch: number): void;
  picker_head(id: number): bigint;
  picker_fill(id: number, untilNs: bigint, most: number): number;
  picker_left(id: number): void;
  picker_runs(id: number): number;
  picker_rows(id: number): number;
  picker_row_times(id: number): number;
  picker_mark_runs(id: number, from: number, count: number, runs: number): number;
  picker_look_up(id: number, from: number, count: number, runs: number): number;
  picker_pick(id: number, from: number, count: number, column: number, width: number): number;
}

/** An instance and its memory. */
export class Wasm {
  readonly #exports: WasmExports;
  #failure: SmaltiError | undefined;
  /** Bytes that pickers hold in the memory, which never shrinks. */
  pickerBytes = 0;

  constructor(exports: WasmExports) {
    this.#exports = exports;
  }

  /** The memory as it is now. */
  get buffer(): ArrayBuffer {
    return this.#exports.memory.buffer as ArrayBuffer;
  }

  /** Calls the module. INTERNAL once it has panicked: what it had in hand then is not to be trusted. */
  run<T>(action: (exports: WasmExports) => T): T {
    if (this.#failure) throw this.#failure;
    try {
      return action(this.#exports);
    } catch (reason) {
      if (!(reason instanceof WebAssembly.RuntimeError)) throw reason;
      const { panic_ptr, panic_len } = this.#exports;
      const text = utf8.decode(new Uint8Array(this.buffer, panic_ptr(), panic_len())) || reason.message;
      this.#failure = new SmaltiError("INTERNAL", `WASM engine failed: ${text}`, { cause: reason });
      throw this.#failure;
    }
  }

  /** Copies bytes to where the module's input is. */
  put(bytes: Uint8Array): void {
    const at = this.room(bytes.length);
    new Uint8Array(this.buffer, at, bytes.length).set(bytes);
  }

  /** Where the module's input is, which has room for so many bytes then. The memory may grow. */
  room(bytes: number): number {
    const at = this.#exports.input(bytes);
    if (at === 0) throw noMemory(bytes);
    return at;
  }

  /** The module's output, which is there until the next call. */
  outputView(): Uint8Array {
    const { output_ptr, output_len } = this.#exports;
    return new Uint8Array(this.buffer, output_ptr(), output_len());
  }

  /** A copy of the module's output. Not by `slice`, which takes Bun several times as long. */
  output(allocate: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes)): Uint8Array {
    const view = this.outputView();
    try {
      const copy = allocate(view.length);
      copy.set(view);
      return copy;
    } catch (cause) {
      throw noMemory(view.length, cause);
    }
  }

  text(): Uint8Array {
    const { text_ptr, text_len } = this.#exports;
    return new Uint8Array(this.buffer, text_ptr(), text_len());
  }

  /** Throws what a status other than 0 stands for. */
  check(status: number): void {
    if (status !== 0) throw new SmaltiError(STATUS_CODES[status], utf8.decode(this.text()));
  }
}

/** The error where a buffer cannot be had. */
export function noMemory(bytes: number, cause?: unknown): SmaltiError {
  return new SmaltiError("TOO_LARGE", `No memory for a buffer of ${bytes} bytes`, { cause });
}
