// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "0e7b838adf2dc5c3673891e53292893fdeaf9af7eba2db36d884a02894845a37";
