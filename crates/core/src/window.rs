//! Ordering the rows of a window of time: few runs by two loser trees ([`crate::tournament`]), many by buckets or digits
//! ([`crate::buckets`]). `src/engine/merge.ts` makes the windows; which way one is ordered never shows.

use crate::buckets::Buckets;
use crate::tournament::{Lanes, MAX_LANES};

/// Rows that a window has at most.
pub const MAX_ROWS: usize = 1 << 14;

/// The rows of a window, run by run in the order that breaks ties.
#[derive(Clone, Copy)]
pub struct Window<'a> {
    /// Per row: its time as ns from the first one of the window, less than `2^31 - 1`; ascending within a run.
    pub keys: &'a [i32],
    /// Per run: where its rows begin; then how many rows there are.
    pub starts: &'a [i32],
    /// Per run: its id.
    pub ids: &'a [i32],
    /// Per run: what makes a row's number in the run of its place in `keys`, when added.
    pub shifts: &'a [i32],
}

impl<'a> Window<'a> {
    pub(crate) fn keys_of(&self, run: usize) -> &'a [i32] {
        &self.keys[self.starts[run] as usize..self.starts[run + 1] as usize]
    }
}

/// Orders windows; keeps the scratch.
#[derive(Default)]
pub struct Sorter {
    lanes: Lanes,
    buckets: Buckets,
}

impl Sorter {
    /// Writes the rows' runs (ids) and numbers in order of time, then run, then row. `runs` and `rows` are as long as
    /// the window's `keys`, at most [`MAX_ROWS`].
    pub fn sort(&mut self, window: Window, runs: &mut [i32], rows: &mut [i32]) {
        let count = window.keys.len();
        assert!(count <= MAX_ROWS && runs.len() == count && rows.len() == count);
        if window.ids.len() <= MAX_LANES {
            self.lanes.sort(window, runs, rows);
        } else {
            self.buckets.sort(window, runs, rows);
        }
    }
}
