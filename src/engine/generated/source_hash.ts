// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "3fb34bef5fe631b4b62ce58be02795713cc03b7046d3b1bdb81a7f52757998b5";
