// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "ed0d8426670f5dc61e1fc38c9ca6dd9500d84061c10860125bef3a1ce11dfc17";
