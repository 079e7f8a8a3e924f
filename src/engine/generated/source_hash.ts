// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "84733c383c72545ec8b905a1136f6352b83fb49c612e4d1ed57329a8d177c61f";
