// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "45d3499489646dd05765265b9cc7a83d733520432babeed12bc87ea51aaae8ed";
