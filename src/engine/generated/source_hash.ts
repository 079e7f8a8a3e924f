// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "a435c63f6814aa054ad4d2b15008a595d8f0d046470eb99db2deac85105b2558";
