// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "ecb9d3464dfeb407416f66d7ee12730ccfb5933d46fb0e6bcd7be095f957e1f7";
