//! Ordering the rows of a window of time: few runs by two loser trees ([`crate::tournament`]), many by buckets or digits
//! ([`crate::buckets`]). Which way a window is ordered never shows.

use crate::buckets::Buckets;
use crate::tournament::{Lanes, MAX_LANES};
use crate::window::{Window, MAX_ROWS};

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
