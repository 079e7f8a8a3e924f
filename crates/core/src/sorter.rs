//! Ordering the rows of a span of time: few runs by two loser trees ([`crate::tournament`]), many by buckets or digits
//! ([`crate::buckets`]). Which way a span is ordered never shows.

use crate::buckets::Buckets;
use crate::span::{Span, MAX_ROWS};
use crate::tournament::{Lanes, MAX_LANES};

/// Orders spans; keeps the scratch.
#[derive(Default)]
pub struct Sorter {
    lanes: Lanes,
    buckets: Buckets,
}

impl Sorter {
    /// Writes the rows' runs (ids) and numbers in order of time, then run, then row. `runs` and `rows` are as long as
    /// the span's `keys`, at most [`MAX_ROWS`].
    pub fn sort(&mut self, span: Span, runs: &mut [i32], rows: &mut [i32]) {
        let count = span.keys.len();
        assert!(count <= MAX_ROWS && runs.len() == count && rows.len() == count);
        if span.ids.len() <= MAX_LANES {
            self.lanes.sort(span, runs, rows);
        } else {
            self.buckets.sort(span, runs, rows);
        }
    }
}
