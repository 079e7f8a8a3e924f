//! Ordering many runs: by buckets of time, or where rows crowd, as of sensors that fire together, by the digits of
//! their times, which takes as long however they crowd.

use crate::span::{Ordered, Span, MAX_ROWS};

/// An item has the offset in ns, then the run, then the place among the gathered rows: of that order are its bits.
const RUN_BITS: u32 = MAX_ROWS.ilog2();
const OFFSET_SHIFT: u32 = 2 * RUN_BITS;
const PLACE: u64 = MAX_ROWS as u64 - 1;

const DIGIT_BITS: u32 = 11;
const DIGIT: u64 = (1 << DIGIT_BITS) - 1;

/// Rows crowd where one shares its bucket with more than so many on average.
const CROWD: u32 = 8;

/// The sorts and their scratch.
#[derive(Default)]
pub struct Buckets {
    items: Vec<u64>,
    sorted: Vec<u64>,
    counts: Vec<u16>,
    /// How many more spans are taken to crowd.
    crowded: u32,
}

impl Buckets {
    /// Orders the rows of a span into what has just the room.
    pub fn sort(&mut self, span: Span, Ordered { runs, rows, times }: Ordered) {
        let widest = (0..span.ids.len())
            .filter_map(|run| span.keys_of(run).last())
            .fold(0, |most, &key| most.max(key as u32));
        self.sorted.resize(span.keys.len(), 0);
        self.crowded = self.crowded.saturating_sub(1);
        if self.crowded > 0 || !self.by_time(span, widest) {
            self.by_digits(span, widest);
        }
        for (((run, row), time), &item) in runs.iter_mut().zip(rows).zip(times).zip(&self.sorted) {
            let (member, place) = ((item >> RUN_BITS & PLACE) as usize, (item & PLACE) as i32);
            *run = span.ids[member];
            *row = span.shifts[member].wrapping_add(place);
            *time = span.base.wrapping_add((item >> OFFSET_SHIFT) as i64);
        }
    }

    /// Spreads the rows over buckets, at most one to each on average, and mends what is left; false where they crowd.
    fn by_time(&mut self, span: Span, widest: u32) -> bool {
        let count = span.keys.len();
        let shift = u32::BITS - (widest / (2 * count) as u32).leading_zeros();
        let buckets = (widest >> shift) as usize + 1;
        let counts = &mut self.counts;
        counts.clear();
        counts.resize(buckets, 0);
        for &key in span.keys {
            counts[(key as u32 >> shift) as usize] += 1;
        }
        let (mut start, mut squares) = (0, 0);
        for count in counts.iter_mut() {
            let c = core::mem::replace(count, start);
            start += c;
            squares += u32::from(c) * u32::from(c);
        }
        // Few rows are quickly moved however they crowd.
        if squares > CROWD * count.max(512) as u32 {
            self.crowded = 8;
            return false;
        }
        for_items(span, |key, item| {
            let place = &mut counts[(key >> shift) as usize];
            self.sorted[*place as usize] = item;
            *place += 1;
        });
        insertion_sort(&mut self.sorted);
        true
    }

    fn by_digits(&mut self, span: Span, widest: u32) {
        let (items, sorted, counts) = (&mut self.items, &mut self.sorted, &mut self.counts);
        items.resize(span.keys.len(), 0);
        let mut next = items.iter_mut();
        for_items(span, |_, item| {
            if let Some(place) = next.next() {
                *place = item;
            }
        });
        let bits = u32::BITS - widest.leading_zeros();
        for pass in 0..bits.div_ceil(DIGIT_BITS) {
            sort_by_digit(OFFSET_SHIFT + DIGIT_BITS * pass, items, sorted, counts);
            core::mem::swap(items, sorted);
        }
        core::mem::swap(items, sorted);
    }
}

/// Makes the items of a span.
#[inline(always)]
fn for_items(span: Span, mut take: impl FnMut(u32, u64)) {
    for run in 0..span.ids.len() {
        let first = (run as u64) << RUN_BITS | span.starts[run] as u64;
        for (item, &key) in (first..).zip(span.keys_of(run)) {
            take(key as u32, u64::from(key as u32) << OFFSET_SHIFT | item);
        }
    }
}

/// Fast where few are out of place.
fn insertion_sort(items: &mut [u64]) {
    for k in 1..items.len() {
        let item = items[k];
        let mut to = k;
        while to > 0 && items[to - 1] > item {
            items[to] = items[to - 1];
            to -= 1;
        }
        items[to] = item;
    }
}

/// Sorts by one digit, stably.
fn sort_by_digit(shift: u32, items: &[u64], sorted: &mut [u64], counts: &mut Vec<u16>) {
    counts.clear();
    counts.resize(1 << DIGIT_BITS, 0);
    for item in items {
        counts[(item >> shift & DIGIT) as usize] += 1;
    }
    let mut start = 0;
    for count in counts.iter_mut() {
        start += core::mem::replace(count, start);
    }
    for &item in items {
        let place = &mut counts[(item >> shift & DIGIT) as usize];
        sorted[*place as usize] = item;
        *place += 1;
    }
}
