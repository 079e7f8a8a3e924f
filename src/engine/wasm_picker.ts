/**
 * Picking rows in the module's memory: a loop in WebAssembly over copies of the arrays takes a third of what one in
 * TypeScript over the arrays themselves takes, and each array is copied once.
 *
 * @module
 */
import type { RowPicker } from "../engine.ts";
import type { Wasm } from "./wasm_instance.ts";

/** The module's memory never shrinks, so all pickers together hold no more than this. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * Closes the pickers that were forgotten without `close`; made when the first one is, since not every runtime has such
 * registries.
 */
let forgotten: FinalizationRegistry<() => void> | undefined;

export class WasmRowPicker implements RowPicker {
  readonly #wasm: Wasm;
  readonly #id: number;
  /** By column and run: the array that the module has a copy of, null where nobody knows what it has. */
  readonly #held: (ArrayBufferView | undefined | null)[][] = [];
  #used: readonly number[] = [];
  #length = 0;
  #column = 0;
  #closed = false;

  constructor(wasm: Wasm) {
    this.#wasm = wasm;
    const id = wasm.run(({ picker_open }) => picker_open());
    this.#id = id;
    if (typeof FinalizationRegistry === "undefined") return;
    forgotten ??= new FinalizationRegistry((close) => close());
    forgotten.register(this, () => closePicker(wasm, id), this);
  }

  take(runs: Int32Array, rows: Int32Array, length: number, runCount: number): number[] | undefined {
    if (this.#closed) return undefined;
    this.#column = 0;
    this.#length = length;
    const wasm = this.#wasm;
    return wasm.run(({ picker_rows, picker_mark_runs }) => {
      const room = picker_rows(this.#id, length);
      if (room === 0) return undefined;
      const taken = new Int32Array(wasm.buffer, room, 2 * length);
      taken.set(runs.length === length ? runs : runs.subarray(0, length));
      taken.set(rows.length === length ? rows : rows.subarray(0, length), length);
      const at = picker_mark_runs(this.#id, runCount);
      if (at === 0) return undefined;
      const marks = new Uint8Array(wasm.buffer, at, runCount);
      const used: number[] = [];
      for (let run = 0; run < runCount; run++) if (marks[run] === 1) used.push(run);
      return this.#used = used;
    });
  }

  lookUp(ofRun: Int32Array): Int32Array | undefined {
    const wasm = this.#wasm;
    return wasm.run(({ picker_look_up }) => {
      new Int32Array(wasm.buffer, wasm.room(ofRun.byteLength), ofRun.length).set(ofRun);
      const at = picker_look_up(this.#id, ofRun.length, this.#length);
      return at === 0 ? undefined : new Int32Array(copyOf(wasm, at, 4 * this.#length));
    });
  }

  pick(width: number, arrays: readonly (ArrayBufferView | undefined)[]): ArrayBuffer | undefined {
    const column = this.#column++;
    const held = this.#held[column] ??= [];
    for (const run of this.#used) {
      if (arrays[run] !== held[run] && !this.#hold(column, run, arrays[run])) return undefined;
    }
    const wasm = this.#wasm;
    return wasm.run(({ picker_pick }) => {
      const at = picker_pick(this.#id, column, width, this.#length);
      return at === 0 ? undefined : copyOf(wasm, at, width * this.#length);
    });
  }

  /** Copies a run's array in. False where there is no room. */
  #hold(column: number, run: number, array: ArrayBufferView | undefined): boolean {
    const wasm = this.#wasm;
    const { buffer, byteOffset, byteLength } = array ?? new Uint8Array(0);
    return wasm.run(({ picker_held_bytes, picker_numbers }) => {
      this.#held[column][run] = null;
      if (byteLength > 0 && picker_held_bytes() + byteLength > MOST_BYTES) return false;
      const at = picker_numbers(this.#id, column, run, byteLength);
      if (at === 0) return false;
      new Uint8Array(wasm.buffer, at, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength));
      this.#held[column][run] = array;
      return true;
    });
  }

  letGo(run: number): void {
    for (const held of this.#held) if (held[run]) held[run] = null;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#held.length = 0;
    forgotten?.unregister(this);
    closePicker(this.#wasm, this.#id);
  }
}

function closePicker(wasm: Wasm, id: number): void {
  try {
    wasm.run(({ picker_close }) => picker_close(id));
  } catch {
    // A module that has failed has told those who wanted something of it, and gives nothing back.
  }
}

/** Bytes of the module in a fresh buffer. Not by `slice`, which takes Bun several times as long. */
function copyOf(wasm: Wasm, at: number, length: number): ArrayBuffer {
  const copy = new Uint8Array(length);
  copy.set(new Uint8Array(wasm.buffer, at, length));
  return copy.buffer;
}
