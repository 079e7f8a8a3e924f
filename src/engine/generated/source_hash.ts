// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "9802df273bfc3a3a817f5e7fdcd8e6d6f764dd35e386d1cebab45ca66d366379";
