// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "2ae75b44704e3f86d497cf79200ae5d67db2d89f1a867b44d832248cc40385e8";
