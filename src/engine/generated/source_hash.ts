// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "9910fee680a98a8a39f661e0052c5b9cbf877317ef0be93bcf7f7c84263e5bcd";
