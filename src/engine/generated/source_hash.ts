/** SHA-256 of the Rust sources that smalti.wasm was built from. */
export const SOURCE_HASH = "9ae80f09c765a29c473bc34c290e722545d64779b639b5fd477fa8a14309f7f0";
