// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "51ac445113c667dcb79bbead097dfd91a27f7a57e6733292294a619db74f8869";
