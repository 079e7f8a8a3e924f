import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine.ts";
import { createJsEngine } from "../../src/engine/js.ts";
import { createWasmEngine } from "../../src/engine/wasm.ts";
import { checkIdentity } from "../contract/identity.ts";
import { checkCase } from "../contract/identity_cases.ts";
import { checkRecording } from "../contract/identity_recordings.ts";
import { caseRange } from "../support/random_cases.ts";

const module = await WebAssembly.compile(
  await readFile(new URL("../../src/engine/generated/smalti.wasm", import.meta.url)),
);
const engines = [createJsEngine(), await createWasmEngine(module)];
const range = caseRange(2000);

describe("The engines", () => {
  it(
    "give the same rows and errors in random cases, which are those of a sort of everything",
    async () => {
      let done = 0;
      await checkIdentity(engines, range, (cases) => done = cases);
      expect(done).toBe(range.cases);
    },
    60_000 + 10 * range.cases,
  );

  it("are told apart where one differs", async () => {
    const [js] = engines;
    const merging = (change: (merger: ReturnType<Engine["createMerger"]>) => object): Engine => ({
      ...js,
      createMerger() {
        const merger = js.createMerger();
        const changed = change(merger);
        return new Proxy(merger, {
          get(target, key) {
            const value = Reflect.get(
              key in changed ? changed : target,
              key,
              key in changed ? changed : target,
            );
            return typeof value === "function" && !(key in changed) ? value.bind(target) : value;
          },
        });
      },
    });
    const others: Record<string, Engine> = {
      "ties broken the other way": merging((merger) => ({
        add: (id: number, topic: number, batch: number, times: BigInt64Array, from: number, to: number) =>
          merger.add(id, 50_000_000 - topic, batch, times, from, to),
      })),
      "a head that is one off": merging((merger) => ({
        head() {
          const head = merger.head();
          return head === undefined ? undefined : head + 1n;
        },
      })),
      "runs that never end": merging(() => ({ exhausted: [] })),
      "another checksum": { ...js, crc32: (bytes) => js.crc32(bytes) ^ 1 },
      "frames that do not hold what they should": {
        ...js,
        compress(bytes) {
          const frame = js.compress(bytes);
          if (frame) frame[frame.length - 5] ^= 1;
          return frame;
        },
      },
      "another error": {
        ...js,
        parseBatch(message) {
          try {
            return js.parseBatch(message);
          } catch {
            throw new TypeError("Message is damaged");
          }
        },
      },
    };
    for (const [what, other] of Object.entries(others)) {
      await expect(checkIdentity([js, other], { cases: 300, seed: 1 }), what).rejects.toThrow(
        /SMALTI_SEED=\d+ SMALTI_CASES=1/,
      );
    }
    expect(() => checkCase([js, js], 1)).not.toThrow();
    await checkRecording([js, js], 1);
  });
});
