// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "2268c7b2beb9eb4717c619beedb15d33e5f4a0b3510065d275f598c6450b52a1";
