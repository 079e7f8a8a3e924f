import { readFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, type ConnectOptions, SmaltiError, type WasmSource } from "../../mod.ts";
import { SOURCE_HASH } from "../../src/engine/generated/source_hash.ts";
import { chooseEngine } from "../../src/engine/load/choose_engine.ts";
import { connect as connectSlim } from "../../src/entry/slim.ts";
import { WebServer } from "../support/web_server.ts";

const generated = fileURLToPath(new URL("../../src/engine/generated/", import.meta.url));
const bytes: Uint8Array<ArrayBuffer> = Uint8Array.from(await readFile(`${generated}smalti.wasm`));
const module = await WebAssembly.compile(bytes);

/** A module without anything in it. */
const EMPTY = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
/** One that wants a function `f` of module `m`. */
const IMPORTING = Uint8Array.of(
  ...EMPTY,
  ...[1, 4, 1, 96, 0, 0], // type 0: () -> ()
  ...[2, 7, 1, 1, 109, 1, 102, 0, 0], // import "m" "f": function of type 0
);

let server: WebServer;
beforeAll(async () => {
  server = await WebServer.start(generated);
});
afterAll(() => server.stop());

/** A view on bytes with others before and after them. */
function within(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(bytes.length + 10).fill(1);
  buffer.set(bytes, 3);
  return buffer.subarray(3, 3 + bytes.length);
}

/** The module with another source hash in its data. */
function ofOtherSources(): { other: string; changed: Uint8Array<ArrayBuffer> } {
  const text = new TextEncoder().encode(SOURCE_HASH);
  const at = bytes.findIndex((_, start) => text.every((byte, i) => bytes[start + i] === byte));
  expect(at).toBeGreaterThan(0);
  const changed = bytes.slice();
  changed[at] = changed[at] === 0x30 ? 0x31 : 0x30;
  return { other: String.fromCharCode(changed[at]) + SOURCE_HASH.slice(1), changed };
}

/** What connecting with these options fails with. */
async function failure(options: ConnectOptions, open = connect): Promise<SmaltiError> {
  const client = await open("memory:", options).catch((reason: unknown) => reason);
  if (client instanceof SmaltiError) return client;
  throw new Error("wanted a SmaltiError", { cause: client });
}

describe("a module that is given", () => {
  const sources: [string, () => WasmSource][] = [
    ["compiled", () => module],
    ["its bytes", () => bytes.slice()],
    ["a part of other bytes", () => within(bytes)],
    ["an ArrayBuffer", () => bytes.slice().buffer],
    ["a URL", () => new URL("smalti.wasm", server.url)],
    ["a URL's text", () => `${server.url}smalti.wasm`],
    ["a file: URL", () => pathToFileURL(`${generated}smalti.wasm`)],
  ];
  it.each(sources)("is taken: %s", async (_name, source) => {
    for (const open of [connect, connectSlim]) {
      for (const engine of ["auto", "wasm"] as const) {
        const client = await open("memory:", { engine, wasm: source() });
        expect(client.engine.name).toBe("wasm");
        expect(client.engine.simd).toBe(true);
      }
    }
  });

  it("is used instead of the bundled one", async () => {
    const given = await connect("memory:", { wasm: module });
    const bundled = await connect("memory:");
    expect(given.engine).not.toBe(bundled.engine);
  });

  const broken: [string, () => WasmSource, RegExp][] = [
    ["no bytes", () => new Uint8Array(0), /damaged: it does not compile/],
    ["a text", () => new TextEncoder().encode("<!doctype html>"), /damaged: it does not compile/],
    ["half of it", () => bytes.slice(0, bytes.length / 2), /damaged: it does not compile/],
    ["an ArrayBuffer of zeros", () => new ArrayBuffer(1000), /damaged: it does not compile/],
    ["an empty module", () => EMPTY, /is not smalti's engine/],
    ["a module with imports", () => IMPORTING, /is not smalti's engine/],
    ["a URL of a text", () => new URL("source_hash.ts", server.url), /damaged: it does not compile/],
  ];
  it.each(broken)("is refused where it is %s, and nothing else taken", async (_name, source, text) => {
    for (const open of [connect, connectSlim]) {
      for (const engine of ["auto", "wasm"] as const) {
        const error = await failure({ engine, wasm: source() }, open);
        expect(error.code).toBe("INVALID_ARGUMENT");
        expect(error.message).toMatch(text);
      }
    }
  });

  it("is refused where it is another module that compiles", async () => {
    for (const wasm of [await WebAssembly.compile(EMPTY), await WebAssembly.compile(IMPORTING)]) {
      const error = await failure({ wasm });
      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(error.message).toMatch(/is not smalti's engine/);
    }
  });

  it("is refused where it was built from other sources", async () => {
    const { other, changed } = ofOtherSources();
    for (const wasm of [changed, await WebAssembly.compile(changed)]) {
      for (const engine of ["auto", "wasm"] as const) {
        const error = await failure({ engine, wasm });
        expect(error.code).toBe("INVALID_ARGUMENT");
        expect(error.message).toMatch(/built from other sources/);
        expect(error.message).toContain(other.slice(0, 12));
        expect(error.message).toContain(SOURCE_HASH.slice(0, 12));
      }
    }
  });

  it("is UNAVAILABLE where it cannot be fetched", async () => {
    for (const wasm of [new URL("other.wasm", server.url), `${server.url}other.wasm`]) {
      const error = await failure({ wasm });
      expect(error.code).toBe("UNAVAILABLE");
      expect(error.message).toContain(`${server.url}other.wasm: status 404`);
    }
    const missing = await failure({ wasm: pathToFileURL(`${generated}other.wasm`) });
    expect(missing.code).toBe("UNAVAILABLE");
    expect(missing.message).toContain("other.wasm");
    const stopped = await WebServer.start(generated);
    const wasm = new URL("smalti.wasm", stopped.url);
    await stopped.stop();
    const error = await failure({ wasm });
    expect(error.code).toBe("UNAVAILABLE");
    expect(error.message).toContain(String(wasm));
    expect(error.cause).toBeDefined();
  });

  it("is fetched again after a failure", async () => {
    const url = new URL("smalti.wasm", server.url);
    server.trick = () => ({ status: 503 });
    expect((await failure({ wasm: url })).code).toBe("UNAVAILABLE");
    server.trick = () => ({});
    expect((await connect("memory:", { wasm: url })).engine.name).toBe("wasm");
  });

  it("is not looked at by the engine in TypeScript", async () => {
    const wasm = new URL("other.wasm", server.url);
    const asked = server.asked.length;
    expect((await connect("memory:", { engine: "js", wasm })).engine.name).toBe("js");
    expect(server.asked.length).toBe(asked);
  });
});

describe("the engine's name", () => {
  it("is one of three", async () => {
    for (const engine of ["WASM", "rust", ""]) {
      const options = { engine } as unknown as ConnectOptions;
      const reason = await connect("memory:", options).catch((reason: unknown) => reason);
      expect(reason).toBeInstanceOf(TypeError);
      expect((reason as Error).message).toContain(JSON.stringify(engine));
    }
  });

  it("decides", async () => {
    expect((await connect("memory:")).engine.name).toBe("wasm");
    expect((await connect("memory:", { engine: "wasm" })).engine.name).toBe("wasm");
    expect((await connect("memory:", { engine: "js" })).engine.name).toBe("js");
    expect((await connectSlim("memory:")).engine.name).toBe("js");
    expect((await failure({ engine: "wasm" }, connectSlim)).code).toBe("INVALID_ARGUMENT");
  });
});

describe("an instance", () => {
  it("is shared by all who take the bundled module", async () => {
    const clients = await Promise.all([connect("memory:"), connect("memory:", { engine: "wasm" })]);
    clients.push(await connect("memory:"));
    expect(new Set(clients.map(({ engine }) => engine)).size).toBe(1);
  });

  it("is shared by all who give the same module, and by nobody else", async () => {
    const [a, b, c] = await Promise.all([module, module, bytes].map((wasm) => connect("memory:", { wasm })));
    expect(a.engine).toBe(b.engine);
    expect(a.engine).not.toBe(c.engine);
  });

  it("is made anew where loading failed", async () => {
    let calls = 0;
    const bundled = () => calls++ === 0 ? Promise.reject(new Error("not yet")) : Promise.resolve(module);
    await expect(chooseEngine({}, bundled)).rejects.toThrow("not yet");
    const engines = [await chooseEngine({}, bundled), await chooseEngine({}, bundled)];
    expect(engines[0]).toBe(engines[1]);
    expect(calls).toBe(2);
  });
});

describe("a runtime that compiles no WebAssembly", () => {
  /** Runs an action where it is forbidden, as by a content security policy. */
  async function forbidden<T>(action: () => Promise<T>): Promise<T> {
    const { compile } = WebAssembly;
    WebAssembly.compile = () => Promise.reject(new WebAssembly.CompileError("forbidden here"));
    try {
      return await action();
    } finally {
      WebAssembly.compile = compile;
    }
  }

  it("has the engine in TypeScript", async () => {
    await forbidden(async () => {
      expect((await chooseEngine({}, () => Promise.resolve(bytes))).name).toBe("js");
      expect((await chooseEngine({ wasm: bytes.slice() }, undefined)).name).toBe("js");
    });
  });

  it("has it for all who ask at once for the same module", async () => {
    await forbidden(async () => {
      const bundled = () => Promise.resolve(bytes);
      const chosen = await Promise.all([chooseEngine({}, bundled), chooseEngine({}, bundled)]);
      expect(chosen.map(({ name }) => name)).toEqual(["js", "js"]);
    });
  });

  it("says so where the WASM engine is asked for", async () => {
    await forbidden(async () => {
      const chosen = chooseEngine({ engine: "wasm" }, () => Promise.resolve(bytes));
      await expect(chosen).rejects.toMatchObject({ code: "UNSUPPORTED" });
    });
  });

  it("takes a module that was compiled beforehand", async () => {
    const compiled = await WebAssembly.compile(bytes);
    await forbidden(async () => {
      expect((await chooseEngine({}, () => Promise.resolve(compiled))).name).toBe("wasm");
    });
  });
});

describe("smalti.wasm", () => {
  it("imports nothing", () => {
    expect(WebAssembly.Module.imports(module)).toEqual([]);
  });

  it("exports all that its caller uses", async () => {
    const source = await readFile(new URL("../../src/engine/wasm_instance.ts", import.meta.url), "utf8");
    const [, members] = /interface WasmExports \{\n(.*?)\n\}/s.exec(source)!;
    const used = [...members.matchAll(/^ {2}(?:readonly )?(\w+)[(:]/gm)].map(([, name]) => name);
    expect(used.length).toBeGreaterThan(10);
    const exported = WebAssembly.Module.exports(module).map(({ name }) => name);
    expect(used.filter((name) => !exported.includes(name))).toEqual([]);
  });
});
