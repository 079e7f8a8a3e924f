import process from "node:process";
import v8 from "node:v8";
import vm from "node:vm";
import type { Engine } from "../../src/engine.ts";
import { settle } from "../support/waiting.ts";

export const isBun: boolean = "bun" in process.versions;

/** Throws away what nobody refers to, at once. */
export const collectGarbage: () => void = isBun
  ? () => (globalThis as unknown as { Bun: { gc(force: boolean): void } }).Bun.gc(true)
  : garbageCollector();

function garbageCollector(): () => void {
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc");
}

/** Which of many arrays are still held by anybody. */
export class LiveBytes {
  #arrays: { array: WeakRef<Uint8Array>; bytes: number }[] = [];

  add(array: Uint8Array): Uint8Array {
    this.#arrays.push({ array: new WeakRef(array), bytes: array.length });
    return array;
  }

  /** Bytes of those that are. */
  async count(): Promise<number> {
    await settle(); // within one turn of the event loop no weak reference lets go
    collectGarbage();
    this.#arrays = this.#arrays.filter(({ array }) => array.deref() !== undefined);
    return this.#arrays.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

/** An engine that says what it decompresses; all else is the inner one's. */
export function watchedEngine(engine: Engine, onDecompressed: (bytes: Uint8Array) => Uint8Array): Engine {
  return Object.assign(Object.create(engine), {
    decompress: (...args: Parameters<Engine["decompress"]>) => onDecompressed(engine.decompress(...args)),
  });
}
