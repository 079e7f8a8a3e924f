// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "654f3257bf48bddb8611a73c689741bdf4ee8156c2e339e205bdb7c4ecd35674";
