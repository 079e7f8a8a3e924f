/**
 * `deno task build:wasm [--out DIRECTORY]`: crates/ -> the WASM module, by wasm-pack and wasm-opt, with the hash of the
 * sources it was built from. Without `--out` into src/engine/generated/, which is committed: users need no Rust.
 *
 * Needs a Rust toolchain for wasm32-unknown-unknown (`rustup target add wasm32-unknown-unknown`, or
 * tools/wasm/toolchain.sh where rustup cannot download), wasm-pack, and wasm-bindgen of the version in crates/Cargo.lock.
 *
 * @module
 */
import { encodeBase64 } from "../src/util/base64.ts";
import { mustRun, root, run } from "./tooling.ts";
import { sourceHash } from "./source_hash.ts";

const RUSTFLAGS = "-C target-feature=+simd128,+bulk-memory -C link-arg=-zstack-size=131072";

/** Where a panic was raised is text in the module: as the same on every machine. */
function remapPaths(): string {
  const home = Deno.env.get("CARGO_HOME") ?? `${Deno.env.get("HOME")}/.cargo`;
  const registries = [...Deno.readDirSync(`${home}/registry/src`)].map(({ name }) =>
    `${home}/registry/src/${name}`
  );
  return [...registries.map((path) => `${path}=crates`), "/usr/lib/rustlib/src/rust=rust", `${root}/crates=.`]
    .map((mapping) => `--remap-path-prefix=${mapping}`).join(" ");
}

const at = Deno.args.indexOf("--out");
const out = at < 0 ? `${root}/src/engine/generated` : Deno.args[at + 1];
const hash = await sourceHash();
const work = await Deno.makeTempDir({ prefix: "smalti-wasm-" });
addEventListener("unload", () => Deno.removeSync(work, { recursive: true }));

await mustRun(["cargo", "fetch", "--locked"], { cwd: `${root}/crates`, quiet: true });
await mustRun(["wasm-pack", "build", "--mode", "no-install", "--target", "web", "--out-dir", work, "wasm"], {
  cwd: `${root}/crates`,
  env: {
    RUSTFLAGS: `${RUSTFLAGS} ${remapPaths()}`,
    SMALTI_SOURCE_HASH: hash,
    CARGO_TARGET_DIR: Deno.env.get("CARGO_TARGET_DIR") ?? `${work}/target`,
    ...await toolchain(),
  },
  quiet: true,
});
await mustRun([Deno.execPath(), "install", "--quiet"], { cwd: `${root}/tools/wasm`, quiet: true });
const { default: binaryen } = await import(`${root}/tools/wasm/node_modules/binaryen/index.js`);
const optimized = binaryen.readBinary(await Deno.readFile(`${work}/smalti_wasm_bg.wasm`));
// What the glue alone calls; with it goes the only import.
for (
  const name of ["__wbindgen_start", "__wbindgen_externrefs", "__abort_handler", "__instance_terminated"]
) {
  optimized.removeExport(name);
}
binaryen.setOptimizeLevel(3);
optimized.optimize();
const module: Uint8Array<ArrayBuffer> = optimized.emitBinary();
const imports = WebAssembly.Module.imports(await WebAssembly.compile(module));
if (imports.length > 0) {
  console.error(
    `the module should import nothing, but asks for ${imports.map(({ name }) => name).join(", ")}`,
  );
  Deno.exit(1);
}
await Deno.mkdir(out, { recursive: true });
await Deno.writeFile(`${out}/smalti.wasm`, module);
await Deno.writeTextFile(
  `${out}/source_hash.ts`,
  `// deno-fmt-ignore-file\n/** SHA-256 of the Rust sources that smalti.wasm was built from. */\nexport const SOURCE_HASH =\n  "${hash}";\n`,
);
const zipped = await new Response(new Blob([module]).stream().pipeThrough(new CompressionStream("gzip")))
  .bytes();
await Deno.writeTextFile(
  `${out}/wasm_text.ts`,
  `// deno-fmt-ignore-file\n/** smalti.wasm as gzip makes it, in base64. */\nexport const WASM_TEXT: string =\n  "${
    encodeBase64(zipped)
  }";\n`,
);
if (/\/(root|home|usr|Users)\/|crates\.io/.test(new TextDecoder("latin1").decode(module))) {
  console.error("the module holds paths of this machine");
  Deno.exit(1);
}
console.log(`smalti.wasm: ${module.length} bytes, ${zipped.length} gzipped, of sources ${hash.slice(0, 12)}`);

/** The installed toolchain where it has the target, else the one that tools/wasm/toolchain.sh makes. */
async function toolchain(): Promise<Record<string, string>> {
  const { output } = await run(["rustc", "--print", "target-libdir", "--target", "wasm32-unknown-unknown"], {
    quiet: true,
  });
  const found = await Deno.stat(output.trim()).then(() => true, () => false);
  return found ? {} : { RUSTUP_TOOLCHAIN: "wasm-web" };
}
