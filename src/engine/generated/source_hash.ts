// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "a41aa7fab70db43dea71b23683ccbd96fe5dcb9a816bbc36bad00fa9f6711e6e";
