// deno-fmt-ignore-file
/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH =
  "ef922934cfee04e5bd7e7bd480c80be3af6c0edaba327d370acd846b7bb37d3b";
