//! What the tests share: outcomes as `tests/engine/make_fixtures.ts` writes them, damage, and data.

#![allow(dead_code)]

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use smalti_core::crc::crc32;
use smalti_core::Result;

pub fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/engine");
    fs::read(folder.join(name)).unwrap()
}

pub fn expected() -> Value {
    serde_json::from_slice(&fixture("expected.json")).unwrap()
}

/// A result as one line.
pub fn outcome(result: Result<Vec<u8>>) -> String {
    match result {
        Ok(bytes) => format!("ok {} {}", bytes.len(), crc32(&bytes, 0)),
        Err(error) => format!("{} {}", error.code.name(), error.message),
    }
}

/// Compares outcomes with a series in the fixtures, by hash.
pub fn check_series(what: &str, outcomes: impl Iterator<Item = String>, wanted: &Value) {
    let all: Vec<String> = outcomes.collect();
    let total: u64 = wanted["counts"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(all.len() as u64, total, "{what}: number of outcomes");
    let crc = u64::from(crc32(all.join("\n").as_bytes(), 0));
    let ok = all.iter().filter(|outcome| outcome.starts_with("ok ")).count();
    assert_eq!(
        Some(crc),
        wanted["crc"].as_u64(),
        "{what}: {ok} ok here, wanted {}",
        wanted["counts"]
    );
}

pub fn cuts(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..bytes.len()).map(|length| bytes[..length].to_vec())
}

/// Every bit of the first `within` bytes flipped, one at a time.
pub fn flips(bytes: &[u8], within: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..8 * within).map(|bit| {
        let mut copy = bytes.to_vec();
        copy[bit >> 3] ^= 1 << (bit & 7);
        copy
    })
}

/// Every four bytes of the first `within` overwritten, by each of `values`.
pub fn words<'a>(bytes: &'a [u8], within: usize, values: &'a Value) -> impl Iterator<Item = Vec<u8>> + 'a {
    let values = values.as_array().unwrap();
    (0..within - 3).flat_map(move |at| {
        values.iter().map(move |value| {
            let mut copy = bytes.to_vec();
            copy[at..at + 4].copy_from_slice(&(value.as_u64().unwrap() as u32).to_le_bytes());
            copy
        })
    })
}

/// Whole numbers, always the same ones for a seed: mulberry32.
pub struct Random(pub u32);

impl Random {
    pub fn below(&mut self, below: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x6d2b_79f5);
        let mut t = (self.0 ^ self.0 >> 15).wrapping_mul(1 | self.0);
        t = t.wrapping_add((t ^ t >> 7).wrapping_mul(61 | t)) ^ t;
        ((u64::from(t ^ t >> 14) * u64::from(below)) >> 32) as u32
    }
}

/// Runs, repeats from near and far, and noise; `noise` of 16 pieces are noise.
pub fn mixture(length: usize, seed: u32, noise: u32) -> Vec<u8> {
    let mut next = Random(seed);
    let mut out = vec![0; length];
    let mut at = 0;
    while at < length {
        let most = 1 + next.below(2000);
        let piece = (length - at).min(1 + next.below(most) as usize);
        let kind = next.below(16);
        if kind < noise || at == 0 {
            out[at..at + piece].fill_with(|| next.below(256) as u8);
        } else if kind < noise + 3 {
            out[at..at + piece].fill(next.below(256) as u8);
        } else {
            let most = 1 + next.below(100_000);
            let distance = 1 + next.below(most.min(at as u32)) as usize;
            for i in at..at + piece {
                out[i] = out[i - distance];
            }
        }
        at += piece;
    }
    out
}
