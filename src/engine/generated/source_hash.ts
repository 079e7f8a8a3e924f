// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "7d2fcf25f6561b88d75a2ccddc1c849f6f5e34093c59c9c41a279748caf66732";
