//! Ordering many runs by the digits of their times, the lowest first: takes as long however rows crowd.

const DIGIT_BITS: u32 = 11;
const BUCKETS: usize = 1 << DIGIT_BITS;
const DIGIT: u64 = BUCKETS as u64 - 1;
/// Low bits of an item: its place among the gathered rows.
const PLACE_BITS: u32 = 16;

/// The rows of a window, `2^16` at most.
#[derive(Default)]
pub struct Rows {
    /// Offset and place of each row.
    items: Vec<u64>,
    sorted: Vec<u64>,
    /// Id and row of each place.
    origins: Vec<(i32, i32)>,
    counts: Vec<u32>,
}

impl Rows {
    pub fn clear(&mut self) {
        self.origins.clear();
    }

    /// Takes the rows at the start of `times` that are at or before `bound`, `first_row` being the caller's number of the
    /// first of them; returns how many. `base` is not after any, and less than `2^48` ns before any.
    pub fn gather(&mut self, base: i64, bound: i64, id: i32, first_row: i32, times: &[i64]) -> usize {
        let start = self.origins.len();
        if self.items.len() < start + times.len() {
            self.items.resize(2 * (start + times.len()), 0);
        }
        let mut count = 0;
        for (item, &time) in self.items[start..].iter_mut().zip(times) {
            if time > bound {
                break;
            }
            *item = (time.wrapping_sub(base) as u64) << PLACE_BITS | (start + count) as u64;
            count += 1;
        }
        self.origins
            .extend((first_row..).take(count).map(|row| (id, row)));
        count
    }

    /// Orders all rows, which were gathered in the order that breaks ties, into `runs` (ids) and `rows`, which have just
    /// the room. No offset is more than `width`.
    pub fn sort(&mut self, width: u64, runs: &mut [i32], rows: &mut [i32]) {
        self.items.truncate(self.origins.len());
        self.sorted.resize(self.items.len(), 0);
        self.counts.resize(BUCKETS, 0);
        let bits = u64::BITS - width.leading_zeros();
        for pass in 0..bits.div_ceil(DIGIT_BITS) {
            self.pass(PLACE_BITS + DIGIT_BITS * pass);
        }
        for ((run, row), item) in runs.iter_mut().zip(rows).zip(&self.items) {
            (*run, *row) = self.origins[(item & ((1 << PLACE_BITS) - 1)) as usize];
        }
    }

    /// Sorts the items by one digit, stably.
    fn pass(&mut self, shift: u32) {
        self.counts.fill(0);
        for item in &self.items {
            self.counts[(item >> shift & DIGIT) as usize] += 1;
        }
        let mut start = 0;
        for count in &mut self.counts {
            start += core::mem::replace(count, start);
        }
        for &item in &self.items {
            let place = &mut self.counts[(item >> shift & DIGIT) as usize];
            self.sorted[*place as usize] = item;
            *place += 1;
        }
        core::mem::swap(&mut self.items, &mut self.sorted);
    }
}
