// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "ba944c4737157393aa68388b3da46ebbbb7cb11b2b061a178f831551aa7e0572";
