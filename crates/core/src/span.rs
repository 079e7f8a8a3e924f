//! The rows of a span of time. `src/engine/merge.ts` makes the spans.

/// Rows that a span has at most.
pub const MAX_ROWS: usize = 1 << 14;

/// Where ordered rows go: of each its run (id), its number there, and its time. All are as long as there are rows.
pub struct Ordered<'a> {
    pub runs: &'a mut [i32],
    pub rows: &'a mut [i32],
    pub times: &'a mut [i64],
}

/// The rows of a span, run by run in the order that breaks ties.
#[derive(Clone, Copy)]
pub struct Span<'a> {
    /// The time that keys count from.
    pub base: i64,
    /// Per row: its time as ns from the first one of the span, less than `2^31 - 1`; ascending within a run.
    pub keys: &'a [i32],
    /// Per run: where its rows begin; then how many rows there are.
    pub starts: &'a [i32],
    /// Per run: its id.
    pub ids: &'a [i32],
    /// Per run: what makes a row's number in the run of its place in `keys`, when added.
    pub shifts: &'a [i32],
}

impl<'a> Span<'a> {
    pub(crate) fn keys_of(&self, run: usize) -> &'a [i32] {
        &self.keys[self.starts[run] as usize..self.starts[run + 1] as usize]
    }
}
