/**
 * What the WASM module is built from, in one number.
 *
 * @module
 */
import { listFiles, root } from "./tooling.ts";

/** SHA-256 of the crates' sources: 64 hex digits. Line ends count as LF. */
export async function sourceHash(): Promise<string> {
  const files = ["crates/Cargo.toml", "crates/Cargo.lock", "tools/build_wasm.ts"];
  for (const crate of ["core", "wasm"]) {
    files.push(`crates/${crate}/Cargo.toml`, ...listFiles(`crates/${crate}/src`, ".rs"));
  }
  const text = await Promise.all(
    files.map(async (file) =>
      `${file}\n${(await Deno.readTextFile(`${root}/${file}`)).replaceAll("\r\n", "\n")}`
    ),
  );
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text.join("\0")));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
