//! Ordering the rows of a span of time: few runs by two loser trees ([`crate::tournament`]), many by buckets or digits
//! ([`crate::buckets`]). Which way a span is ordered never shows.

use crate::buckets::Buckets;
use crate::span::{Ordered, Span, MAX_ROWS};
use crate::tournament::{Lanes, MAX_LANES};

/// Orders spans; keeps the scratch.
#[derive(Default)]
pub struct Sorter {
    lanes: Lanes,
    buckets: Buckets,
}

impl Sorter {
    /// Writes the rows in order of time, then run, then row. There are as many as the span's `keys`, at most [`MAX_ROWS`].
    pub fn sort(&mut self, span: Span, out: Ordered) {
        let count = span.keys.len();
        assert!(count <= MAX_ROWS);
        assert!(out.runs.len() == count && out.rows.len() == count && out.times.len() == count);
        if span.ids.len() <= MAX_LANES {
            self.lanes.sort(span, out);
        } else {
            self.buckets.sort(span, out);
        }
    }
}
