import { describe, expect, it } from "vitest";
import { giveBytes, takeBytes } from "../../src/util/buffer_pool.ts";
import { seeded } from "../embedded/kill_rows.mjs";

const SEED = Math.floor(Math.random() * 2 ** 31);
const KIB = 1024;
const LEAST = 128 * KIB;
const STEP = 64 * KIB;
const MOST = 64 * 1024 * KIB;

// Other tests of the same process may have left some: those given back last are taken first.
describe("Spare buffers", () => {
  it("are used again, as long as what was asked for, in whole steps", () => {
    const first = takeBytes(LEAST + 1);
    const { byteLength } = first.buffer;
    expect([first.length, first.byteOffset, byteLength % STEP]).toEqual([LEAST + 1, 0, 0]);
    giveBytes(first);
    const second = takeBytes(byteLength - 1);
    expect([second.buffer === first.buffer, second.length]).toEqual([true, byteLength - 1]);
    expect(takeBytes(LEAST).buffer).not.toBe(first.buffer);
  });

  it("go back whole, whichever part of one is given back", () => {
    const bytes = takeBytes(4 * STEP);
    giveBytes(bytes.subarray(8, 16));
    const again = takeBytes(4 * STEP);
    expect([again.buffer === bytes.buffer, again.byteOffset]).toEqual([true, 0]);
  });

  it("fit: one is not taken for half its size or less than that, nor for more than it has", () => {
    const bytes = new Uint8Array(8 * STEP);
    giveBytes(bytes);
    expect(takeBytes(8 * STEP + 1).buffer).not.toBe(bytes.buffer);
    expect(takeBytes(4 * STEP - 1).buffer).not.toBe(bytes.buffer);
    expect(takeBytes(4 * STEP).buffer).toBe(bytes.buffer);
  });

  it("are not kept where they are small, of an odd size, too large or shared memory", () => {
    const small = new Uint8Array(STEP);
    const odd = new Uint8Array(LEAST + 8);
    const large = new Uint8Array(MOST / 2 + STEP);
    const shared = new Uint8Array(new SharedArrayBuffer(LEAST));
    for (const bytes of [small, odd, large, shared]) giveBytes(bytes);
    expect(takeBytes(STEP).buffer).not.toBe(small.buffer);
    expect(takeBytes(LEAST).buffer).not.toBe(shared.buffer);
    expect(takeBytes(LEAST).buffer).not.toBe(odd.buffer);
    expect(takeBytes(large.length).buffer).not.toBe(large.buffer);
    // Small ones are exactly as long as what was asked for: nobody else's bytes are in their buffers.
    expect(takeBytes(LEAST - 1).buffer.byteLength).toBe(LEAST - 1);
    expect(takeBytes(0).length).toBe(0);
  });

  it("are kept up to 64 MiB, the oldest go first", () => {
    const size = MOST / 16;
    const all = Array.from({ length: 20 }, () => new Uint8Array(size));
    all.forEach(giveBytes);
    const again = Array.from({ length: 20 }, () => takeBytes(size).buffer);
    const kept = all.map(({ buffer }) => again.includes(buffer));
    expect(kept).toEqual([...Array(4).fill(false), ...Array(16).fill(true)]);
  });

  it(`never have two holders (seed ${SEED})`, () => {
    const random = seeded(SEED);
    const held: { bytes: Uint8Array<ArrayBuffer>; mark: number }[] = [];
    for (let step = 0; step < 5000; step++) {
      if (held.length < 12 && random() < 0.55) {
        const bytes = takeBytes(Math.floor(random() ** 3 * 4 * 1024 * KIB));
        const buffers = held.map((other) => other.bytes.buffer);
        expect([step, buffers.includes(bytes.buffer)]).toEqual([step, false]);
        expect(bytes.byteOffset).toBe(0);
        // A mark at either end, which no other holder may overwrite.
        bytes.fill(step, 0, 1).fill(step, -1);
        held.push({ bytes, mark: step & 255 });
      } else if (held.length > 0) {
        const [{ bytes, mark }] = held.splice(Math.floor(random() * held.length), 1);
        if (bytes.length > 0) expect([step, bytes[0], bytes.at(-1)]).toEqual([step, mark, mark]);
        if (random() < 0.9) giveBytes(bytes);
      }
    }
  });
});
