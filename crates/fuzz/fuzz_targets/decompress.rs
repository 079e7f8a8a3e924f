//! Any bytes as a frame: an error or exactly the bytes asked for. And what was compressed comes back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use smalti_core::{lz4, zstd};

/// Keeps frames that claim much from taking all the time and memory.
const MOST_BYTES: u64 = 1 << 22;

fuzz_target!(|input: (u64, &[u8])| {
    let (claim, bytes) = input;
    let raw_len = claim % MOST_BYTES;
    let mut out = Vec::new();
    for decompress in [lz4::decompress, zstd::decompress] {
        if decompress(bytes, raw_len, &mut out).is_ok() {
            assert_eq!(out.len() as u64, raw_len);
        }
    }

    let mut frame = Vec::new();
    if lz4::compress(bytes, 4, &mut frame) {
        lz4::decompress(&frame, bytes.len() as u64, &mut out).unwrap();
        assert_eq!(out, bytes);
    }
});
