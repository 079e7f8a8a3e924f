// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "2c0d9362665bd4f762eae1df96e4851472b530f867d6f0e4b724644e101d198d";
