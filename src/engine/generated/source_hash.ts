// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "71b4b3fef5a7c26eddf6ffb70b63ab7d6579397ab5fb991d06d5bbce6770c4c3";
