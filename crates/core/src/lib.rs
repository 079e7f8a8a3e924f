//! The engine of smalti in Rust: parses Arrow IPC record batches, decompresses and checks their buffers, and
//! orders rows by time. It does no I/O and knows no topic names.
//!
//! `src/engine.ts` is the contract; results and errors (code and text) equal those of the TypeScript engine.

mod buckets;
pub mod crc;
pub mod ipc;
pub mod lz4;
pub mod lz4_block;
pub mod merge;
pub mod picker;
pub mod records;
pub mod sorter;
pub mod span;
mod tournament;
pub mod zstd;

mod error;
mod flatbuffer;

pub use error::{Code, Error, Result};
