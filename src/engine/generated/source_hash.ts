// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "c8fcd86394440588d21c92ba7f329f1cf60f1c502a9cc8716f5147eb47278af4";
