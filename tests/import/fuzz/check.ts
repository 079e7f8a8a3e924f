/**
 * A case: one file, read in several ways that must come to the same.
 *
 * @module
 */
import type { ImportOptions } from "../../../src/import/import_options.ts";
import type { Random } from "../../support/random_cases.ts";
import { sourceOf } from "../damage.ts";
import { expectSame, type Found, found, type FuzzImport } from "./outcome.ts";

/** Runs a case; gives what came of it, in a word, for the counts. `keep` is told what is read, to look at it again. */
export type FuzzTarget = (random: Random, keep: (bytes: Uint8Array) => void) => Promise<string>;

/** How a file is read, what is beside it, and codes of errors that it may be refused with beside the usual ones. */
export interface Parts {
  readonly beside?: Record<string, Uint8Array>;
  readonly options?: Partial<ImportOptions> & Record<string, unknown>;
  readonly codes?: ReadonlySet<string>;
}

/** One file through both engines, read whole and in parts, with salvage and maybe without. */
export async function check(
  importFile: FuzzImport,
  bytes: Uint8Array,
  random: Random,
  { beside, options = {}, codes }: Parts = {},
): Promise<string> {
  const extra = { integers: random.pick(["bigint", "number"] as const), envelope: random.oneIn(4) };
  const isStream = random.oneIn(3);
  const partBytes = random.pick([1 << 16, 1 + random.below(5000), 1 << 20]);
  const run = (engine: "js" | "wasm", salvage: boolean, isStream: boolean, partBytes: number) =>
    found(importFile, engine, sourceOf(bytes, { isStream, partBytes, beside: beside ?? {} }), {
      ...extra,
      ...options,
      salvage,
    }, codes);
  const js = await run("js", true, isStream, partBytes);
  const wasm = await run("wasm", true, isStream, partBytes);
  expectSame(js, wasm, "engines");
  let strict: Found | undefined;
  if (random.oneIn(2)) {
    strict = await run(random.pick(["js", "wasm"] as const), false, isStream, partBytes);
    // Where nothing was lost the same is there, whatever is said of flaws that cost nothing.
    if (!strict.code) expectSame({ ...js, text: "" }, { ...strict, text: "" }, "salvage and strict");
  }
  if (js.code) return js.code;
  return js.text.includes('"flaws":[]') ? "whole" : "salvaged";
}

/** However a stream is cut into parts, the same messages come of it. */
export async function checkParts(
  importFile: FuzzImport,
  bytes: Uint8Array,
  random: Random,
  parts: Parts,
): Promise<void> {
  const [a, b] = await Promise.all([1 + random.below(700), 1 << 20].map(async (partBytes) => {
    const source = sourceOf(bytes, { isStream: true, partBytes });
    const { code, lines } = await found(
      importFile,
      "js",
      source,
      { ...parts.options, salvage: true },
      parts.codes,
    );
    return { code, lines, text: "" };
  }));
  expectSame(a, b, "parts");
}
