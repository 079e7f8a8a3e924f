// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "1fde0e589ce69c0ecef3e16cc1252adebeee3967ce22954755879f0f32036b15";
