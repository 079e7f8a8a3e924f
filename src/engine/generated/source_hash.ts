// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "06b72049620101a0617bb3669487055977136a9aa56d3c8446e97515af4be0ed";
