import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { SOURCE_HASH } from "../../src/engine/generated/source_hash.ts";
import { bundledModule } from "../../src/entry/bundled.ts";

const onDeno = "Deno" in globalThis;

describe("src/engine/generated", () => {
  // The tool is written for Deno.
  it.skipIf(!onDeno)("was built from the sources in crates/ (else: deno task build:wasm)", async () => {
    const { sourceHash } = await import("../../tools/source_hash.ts");
    expect(SOURCE_HASH).toBe(await sourceHash());
  });

  it("holds one module, as a file and as text", async () => {
    const file = new Uint8Array(
      await readFile(new URL("../../src/engine/generated/smalti.wasm", import.meta.url)),
    );
    const inlined = await bundledModule();
    expect(inlined.length).toBe(file.length);
    expect(inlined.every((byte, i) => byte === file[i])).toBe(true);
    expect(new TextDecoder("latin1").decode(file)).toContain(SOURCE_HASH);
  });
});
