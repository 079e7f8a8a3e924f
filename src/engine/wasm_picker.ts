/**
 * A merge and its picks in the module's memory: loops in WebAssembly over copies of the arrays take a third of what those in
 * TypeScript over the arrays themselves take, each array is copied once, and the order of the rows need not leave the module.
 *
 * @module
 */
import type { Merger, PickRequest, RowPicker } from "../engine.ts";
import { MAX_NS, MIN_NS } from "../types.ts";
import { createMerger } from "./merge.ts";
import type { Wasm } from "./wasm_instance.ts";

/** The module's memory never shrinks, so all pickers together hold no more than this. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * Closes the pickers that were forgotten without `close`; made when the first one is, since not every runtime has such
 * registries.
 */
let forgotten: FinalizationRegistry<ModulePicker> | undefined;

/** A run with rows left, as it was added. */
interface AddedRun {
  readonly topic: number;
  readonly batch: number;
  readonly times: BigInt64Array;
  readonly to: number;
}

/** What the module has. */
interface ModulePicker {
  readonly wasm: Wasm;
  readonly id: number;
  bytes: number;
}

export class WasmRowPicker implements RowPicker {
  exhausted: readonly number[] = [];
  hasStretches = false;
  readonly #module: ModulePicker;
  readonly #allocate: (bytes: number) => ArrayBuffer;
  readonly #added = new Map<number, AddedRun>();
  /** By column and run: the array that the module has a copy of, null where nobody knows what it has. */
  readonly #held: (ArrayBufferView | undefined | null)[][] = [];
  /** By run, and by column and run: bytes that the module has for them. */
  readonly #timeBytes: number[] = [];
  readonly #columnBytes: number[][] = [];
  /** The rows of the last fill. */
  #count = 0;
  #arrays: { runs: Int32Array; rows: Int32Array } | undefined;
  /** What orders in its place since the module had no room for times. */
  #merger: Merger | undefined;
  #closed = false;

  constructor(wasm: Wasm, allocate: (bytes: number) => ArrayBuffer = (bytes) => new ArrayBuffer(bytes)) {
    this.#allocate = allocate;
    this.#module = { wasm, id: wasm.run(({ picker_open }) => picker_open()), bytes: 0 };
    if (typeof FinalizationRegistry === "undefined") return;
    forgotten ??= new FinalizationRegistry(closePicker);
    forgotten.register(this, this.#module, this);
  }

  add(id: number, topic: number, batch: number, times: BigInt64Array, from: number, to: number): void {
    if (this.#closed) return;
    if (!(from >= 0 && from < to && to <= times.length)) {
      throw new RangeError(`Cannot add rows ${from} to ${to} of a run of ${times.length} rows`);
    }
    if (!this.#merger && !this.#addHere(id, topic, batch, times, from, to)) this.#moveOut();
    if (this.#merger) this.#merger.add(id, topic, batch, times, from, to);
    else this.#added.set(id, { topic, batch, times, to });
  }

  #addHere(
    id: number,
    topic: number,
    batch: number,
    times: BigInt64Array,
    from: number,
    to: number,
  ): boolean {
    if (!this.#reserve(this.#timeBytes, id, 8 * (to - from))) return false;
    const { wasm, id: picker } = this.#module;
    return wasm.run(({ picker_times, picker_add }) => {
      const at = picker_times(picker, id, from, to - from);
      if (at === 0) return false;
      // Not as bigints, of which some runtimes copy one by one.
      const bytes = new Uint8Array(times.buffer, times.byteOffset + 8 * from, 8 * (to - from));
      new Uint8Array(wasm.buffer, at, bytes.length).set(bytes);
      picker_add(picker, id, topic, batch);
      return true;
    });
  }

  /** Counts bytes that are to be had in the module. False where they are too many. */
  #reserve(bytesOf: number[], run: number, bytes: number): boolean {
    const more = bytes - (bytesOf[run] ?? 0);
    if (more <= 0) return true;
    const { wasm } = this.#module;
    if (wasm.pickerBytes + more > MOST_BYTES) return false;
    wasm.pickerBytes += more;
    this.#module.bytes += more;
    bytesOf[run] = bytes;
    return true;
  }

  /** Goes on with a merger outside of the module. */
  #moveOut(): void {
    const { wasm, id } = this.#module;
    const left = wasm.run(({ picker_left, numbers_ptr, numbers_len }) => {
      picker_left(id);
      return new Float64Array(wasm.buffer, numbers_ptr(), numbers_len()).slice();
    });
    const merger = this.#merger = createMerger();
    for (let i = 0; i < left.length; i += 2) {
      const { topic, batch, times, to } = this.#added.get(left[i])!;
      merger.add(left[i], topic, batch, times, left[i + 1], to);
    }
    this.#added.clear();
  }

  head(): bigint | undefined {
    if (this.#merger) return this.#merger.head();
    if (this.#added.size === 0) return undefined;
    const { wasm, id } = this.#module;
    return wasm.run(({ picker_head }) => picker_head(id));
  }

  fill(untilNs: bigint, most: number): number {
    this.exhausted = [];
    this.#count = 0;
    this.#arrays = undefined;
    this.hasStretches = false;
    if (this.#closed || untilNs < MIN_NS) return 0;
    if (!this.#merger && !this.#fillHere(untilNs > MAX_NS ? MAX_NS : untilNs, most)) this.#moveOut();
    if (this.#merger) {
      this.#arrays = { runs: new Int32Array(most), rows: new Int32Array(most) };
      this.#count = this.#merger.fill(untilNs, this.#arrays.runs, this.#arrays.rows);
      this.exhausted = this.#merger.exhausted;
    }
    return this.#count;
  }

  #fillHere(untilNs: bigint, most: number): boolean {
    const { wasm, id } = this.#module;
    return wasm.run(({ picker_fill, numbers_ptr, numbers_len }) => {
      const count = picker_fill(id, untilNs, most);
      if (count < 0) return false;
      const [hasStretches, ...exhausted] = new Float64Array(wasm.buffer, numbers_ptr(), numbers_len());
      this.hasStretches = hasStretches === 1;
      this.exhausted = exhausted;
      for (const run of this.exhausted) this.#added.delete(run);
      this.#count = count;
      return true;
    });
  }

  arrays(): { runs: Int32Array; rows: Int32Array } {
    if (this.#arrays) return this.#arrays;
    this.#arrays = { runs: new Int32Array(this.#count), rows: new Int32Array(this.#count) };
    this.copyTo(this.#arrays.runs, this.#arrays.rows);
    return this.#arrays;
  }

  /** Copies the runs and positions of the rows. */
  copyTo(runs: Int32Array, rows: Int32Array): void {
    if (this.#merger) {
      const arrays = this.arrays();
      runs.set(arrays.runs.subarray(0, this.#count));
      rows.set(arrays.rows.subarray(0, this.#count));
      return;
    }
    const { wasm, id } = this.#module;
    wasm.run(({ picker_runs, picker_rows }) => {
      runs.set(new Int32Array(wasm.buffer, picker_runs(id), this.#count));
      rows.set(new Int32Array(wasm.buffer, picker_rows(id), this.#count));
    });
  }

  used(first: number, count: number, runCount: number): number[] | undefined {
    if (this.#closed || this.#merger) return undefined;
    const { wasm, id } = this.#module;
    return wasm.run(({ picker_mark_runs }) => {
      const at = picker_mark_runs(id, first, count, runCount);
      if (at === 0) return undefined;
      const marks = new Uint8Array(wasm.buffer, at, runCount);
      const used: number[] = [];
      for (let run = 0; run < runCount; run++) if (marks[run] === 1) used.push(run);
      return used;
    });
  }

  lookUp(first: number, count: number, ofRun: Int32Array): Int32Array | undefined {
    if (this.#closed || this.#merger) return undefined;
    const { wasm, id } = this.#module;
    return wasm.run(({ picker_look_up }) => {
      new Int32Array(wasm.buffer, wasm.room(ofRun.byteLength), ofRun.length).set(ofRun);
      const at = picker_look_up(id, first, count, ofRun.length);
      return at === 0 ? undefined : new Int32Array(this.#copyOf(at, 4 * count), 0, count);
    });
  }

  pickTimes(first: number, count: number): BigInt64Array | undefined {
    if (this.#closed || this.#merger) return undefined;
    const { wasm, id } = this.#module;
    return wasm.run(({ picker_row_times }) => {
      const at = picker_row_times(id) + 8 * first;
      return new BigInt64Array(this.#copyOf(at, 8 * count), 0, count);
    });
  }

  pick({ first, count, used, column, width, arrays }: PickRequest): ArrayBuffer | undefined {
    if (this.#closed || this.#merger) return undefined;
    const held = this.#held[column] ??= [];
    for (const run of used) {
      if (arrays[run] !== held[run] && !this.#hold(column, run, arrays[run])) return undefined;
    }
    const { wasm, id } = this.#module;
    return wasm.run(({ picker_pick }) => {
      const at = picker_pick(id, first, count, column, width);
      return at === 0 ? undefined : this.#copyOf(at, width * count);
    });
  }

  /** Copies a run's array in. False where there is no room. */
  #hold(column: number, run: number, array: ArrayBufferView | undefined): boolean {
    const { wasm, id } = this.#module;
    const { buffer, byteOffset, byteLength } = array ?? new Uint8Array(0);
    this.#held[column][run] = null;
    if (!this.#reserve(this.#columnBytes[column] ??= [], run, byteLength)) return false;
    return wasm.run(({ picker_numbers }) => {
      const at = picker_numbers(id, column, run, byteLength);
      if (at === 0) return false;
      new Uint8Array(wasm.buffer, at, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength));
      this.#held[column][run] = array;
      return true;
    });
  }

  /** Bytes of the module in a buffer of the caller's. Not by `slice`, which takes Bun several times as long. */
  #copyOf(at: number, length: number): ArrayBuffer {
    const copy = this.#allocate(length);
    new Uint8Array(copy, 0, length).set(new Uint8Array(this.#module.wasm.buffer, at, length));
    return copy;
  }

  letGo(run: number): void {
    for (const held of this.#held) if (held[run]) held[run] = null;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#held.length = 0;
    this.#added.clear();
    this.#merger?.close();
    forgotten?.unregister(this);
    closePicker(this.#module);
  }
}

/** The merge alone, for who wants the order of the rows and picks nothing. */
export class WasmMerger implements Merger {
  readonly #picker: WasmRowPicker;

  constructor(picker: WasmRowPicker) {
    this.#picker = picker;
  }

  get exhausted(): readonly number[] {
    return this.#picker.exhausted;
  }

  add(id: number, topic: number, batch: number, times: BigInt64Array, from: number, to: number): void {
    this.#picker.add(id, topic, batch, times, from, to);
  }

  head(): bigint | undefined {
    return this.#picker.head();
  }

  fill(untilNs: bigint, runs: Int32Array, rows: Int32Array): number {
    const count = this.#picker.fill(untilNs, Math.min(runs.length, rows.length));
    if (count > 0) this.#picker.copyTo(runs, rows);
    return count;
  }

  close(): void {
    this.#picker.close();
  }
}

function closePicker({ wasm, id, bytes }: ModulePicker): void {
  wasm.pickerBytes -= bytes;
  try {
    wasm.run(({ picker_close }) => picker_close(id));
  } catch {
    // A module that has failed has told those who wanted something of it, and gives nothing back.
  }
}
