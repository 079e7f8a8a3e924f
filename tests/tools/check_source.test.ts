import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const tool = fileURLToPath(new URL("../../tools/check_source.ts", import.meta.url));

/** What the tool says of a source tree, sorted, without its last line. */
async function check(files: Record<string, string>): Promise<{ code: number; findings: string[] }> {
  const directory = await mkdtemp(join(tmpdir(), "smalti-check-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), text);
    }
    return await new Promise((resolve) => {
      execFile(process.execPath, ["run", "-A", tool, directory], (error, _stdout, stderr) => {
        const findings = stderr.trim().split("\n").slice(0, -1).sort();
        resolve({ code: error === null ? 0 : Number(error.code), findings });
      });
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}

const clean = {
  "package.json": `{ "type": "module" }`,
  "mod.ts": `/** A module. @module */\nexport { one } from "./src/error.ts";\n`,
  "src/error.ts": `/** One. */\nexport const one: number = 1;\n`,
  "src/store/directory/directory_store.ts": `import "node:fs";\nexport const pid: number = process.pid;\n`,
};

// The tool runs on Deno alone, so does its test.
describe.skipIf(!("Deno" in globalThis))("check_source", () => {
  it("finds nothing in a tree that follows the rules", async () => {
    expect(await check(clean)).toEqual({ code: 0, findings: [] });
  });

  it("finds each violation at its place", async () => {
    const { code, findings } = await check({
      ...clean,
      "mod.ts": `${clean["mod.ts"]}export * from "./src/client.ts";\n`,
      "src/client.ts": [
        `/** A client. */`,
        `export class Client {`,
        `  name: string = "";`,
        `  /** Opens. */`,
        `  open(): void {}`,
        `}`,
      ].join("\n"),
      "src/arrow/a.ts": `import type { B } from "./b.ts";\nexport type A = B | 1;\n`,
      "src/arrow/b.ts": `import type { A } from "./a.ts";\nexport type B = A[];\n`,
      "src/engine/js.ts":
        `import { pid } from "../store/directory/directory_store.ts";\nexport const x: number = pid;\n`,
      "src/store/memory.ts": [
        `import "../read/streamer.ts";`,
        `import "node:os";`,
        `export const a: unknown = Deno.args;`,
        `export const b: unknown = globalThis["Bun"];`,
        `export const c: unknown = Reflect.get(globalThis, "x") ?? setImmediate;`,
        `export const process: number = { Buffer: 1 }.Buffer;`,
      ].join("\n"),
      "src/read/streamer.ts": [
        `export class S { constructor(private x: number) {} }`,
        `export const f = () => Math.max(1, 2);`,
        `export const g = async () => (await import("../cli/main.ts")).main;`,
      ].join("\n"),
      "src/connect.ts": `import "./flight/ticket.ts";\n`,
      "src/flight/ticket.ts": `import "commander";\nexport {};\n`,
      "src/cli/main.ts": `export const main: number = 1;\n`,
      "src/strange.ts": `export {};\n`,
    });
    expect(code).toBe(1);
    const expected = [
      "import cycle: src/arrow/a.ts -> src/arrow/b.ts -> src/arrow/a.ts",
      "src/client.ts:3: exported symbol is missing JSDoc documentation",
      "src/connect.ts:1: smalti-core must not import src/flight/ticket.ts, which is not in it",
      "src/engine/js.ts:1: engine must not import store (src/store/directory/directory_store.ts)",
      "src/flight/ticket.ts:1: must not import commander: it is for src/cli/",
      "src/read/streamer.ts:1: This syntax is not allowed when 'erasableSyntaxOnly' is enabled.",
      "src/read/streamer.ts:2: Function must have an explicit return type annotation",
      "src/read/streamer.ts:3: Function must have an explicit return type annotation",
      "src/read/streamer.ts:3: read must not import cli (src/cli/main.ts)",
      "src/read/streamer.ts:3: smalti-core must not import src/cli/main.ts, which is not in it",
      "src/store/memory.ts:1: store must not import read (src/read/streamer.ts)",
      "src/store/memory.ts:2: Cannot find module",
      "src/store/memory.ts:2: imports node:os",
      "src/store/memory.ts:3: Cannot find name 'Deno'.",
      "src/store/memory.ts:3: runtime global Deno",
      "src/store/memory.ts:4: Element implicitly has an 'any' type",
      "src/store/memory.ts:4: runtime global Bun",
      "src/store/memory.ts:5: Cannot find name 'setImmediate'.",
      "src/store/memory.ts:6: runtime global process",
      "src/strange.ts: has no layer; give it one in tools/check_source.ts",
    ];
    // The compiler's messages go on: compared as far as they are given above.
    expect(findings.map((finding, index) => finding.slice(0, expected[index]?.length))).toEqual(expected);
  });
});
