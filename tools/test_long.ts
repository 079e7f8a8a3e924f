/**
 * `deno task test:long [CASES] [SEED]`: the random cases that hold the engines to one outcome, a million of them. The
 * last line is `N cases, seed S, 0 differences`; at a difference it is what to run to see that case again.
 *
 * @module
 */
import { createJsEngine } from "../src/engine/js.ts";
import { createWasmEngine } from "../src/engine/wasm.ts";
import { checkIdentity } from "../tests/contract/identity.ts";
import { root } from "./tooling.ts";

const cases = Number(Deno.args[0] ?? 1_000_000);
const seed = Number(Deno.args[1] ?? Math.floor(Math.random() * 2 ** 31));
if (!Number.isSafeInteger(cases) || !Number.isSafeInteger(seed) || cases < 1 || seed < 0) {
  console.error("usage: deno task test:long [CASES] [SEED]");
  Deno.exit(2);
}
const module = await WebAssembly.compile(await Deno.readFile(`${root}/src/engine/generated/smalti.wasm`));
const engines = [createJsEngine(), await createWasmEngine(module)];
const start = performance.now();
const step = Math.ceil(cases / 100);
try {
  await checkIdentity(engines, { cases, seed }, (done) => {
    if (done % step !== 0) return;
    const seconds = (performance.now() - start) / 1000;
    console.log(`${done} of ${cases} cases, ${seconds.toFixed(0)} s`);
  });
} catch (reason) {
  console.error((reason as Error).message);
  Deno.exit(1);
}
console.log(`${cases} cases, seed ${seed}, 0 differences`);
