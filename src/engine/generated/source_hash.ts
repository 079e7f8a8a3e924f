// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "5e4a4549468b5fb5dc9d906a7a7dcc301134e0c89b0612ecd1e9f47d2141f0f5";
