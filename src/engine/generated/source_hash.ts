// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "4291f6093a99744d05257ba6eceddcd9fb0de31cbe68cbcb566b43e399461c5a";
