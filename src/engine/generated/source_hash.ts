// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "5a0d0c70bfe01463a2c53211e96c5497bdd261337eae9f0950fa7ed770a05940";
