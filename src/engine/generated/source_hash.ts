// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "f875f64a1aedf4370711730d5e25e5dea3bfa2e0ccd65c9dc104513c56c9068d";
