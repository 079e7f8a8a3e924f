//! Ordering the rows of many runs by time, and picking numbers of these rows out of the runs' columns.
//!
//! What a caller gives is never trusted: a run or a row that is not there has the number 0.

use core::ops::Range;

use crate::merge::{has_stretches, Merge};
use crate::span::Ordered;

/// Rows that a stretch has on average for it to be copied as such.
const LONG_STRETCH: usize = 16;

/// Columns of numbers by run, and the latest rows of a merge, which are to be picked out of them.
#[derive(Default)]
pub struct Picker {
    pub merge: Merge,
    /// The run of each row, each one's number in its run, and its time.
    runs: Vec<i32>,
    rows: Vec<i32>,
    times: Vec<i64>,
    count: usize,
    columns: Vec<Vec<Numbers>>,
}

/// The numbers of one run: in words, so that they are aligned.
type Numbers = Vec<u64>;

impl Picker {
    /// Takes the next rows of the merge, none later than `until`, so many at most. Returns how many; `None` where there is no
    /// memory.
    pub fn fill(&mut self, until: i64, most: usize) -> Option<usize> {
        for list in [&mut self.runs, &mut self.rows] {
            list.try_reserve_exact(most.saturating_sub(list.len())).ok()?;
            list.resize(most, 0);
        }
        let times = &mut self.times;
        times.try_reserve_exact(most.saturating_sub(times.len())).ok()?;
        times.resize(most, 0);
        let (runs, rows) = (&mut self.runs, &mut self.rows);
        self.count = self.merge.fill(until, Ordered { runs, rows, times });
        Some(self.count)
    }

    /// The run of each row.
    pub fn runs(&self) -> &[i32] {
        &self.runs[..self.count]
    }

    /// The number of each row in its run.
    pub fn rows(&self) -> &[i32] {
        &self.rows[..self.count]
    }

    /// The time of each row.
    pub fn times(&self) -> &[i64] {
        &self.times[..self.count]
    }

    /// Whether the rows lie side by side in long stretches, which are better copied as such.
    pub fn has_stretches(&self) -> bool {
        let (runs, rows) = (self.runs(), self.rows());
        has_stretches(self.count, LONG_STRETCH, |i| {
            runs[i] != runs[i - 1] || rows[i] != rows[i - 1].wrapping_add(1)
        })
    }

    /// Room for what a run has in a column: so many bytes, in words. `None` where there is no memory.
    pub fn numbers(&mut self, column: usize, run: usize, bytes: usize) -> Option<&mut [u64]> {
        grow_to(&mut self.columns, column + 1)?;
        let runs = &mut self.columns[column];
        grow_to(runs, run + 1)?;
        let numbers = &mut runs[run];
        let words = bytes.div_ceil(8);
        reserve(numbers, words)?;
        numbers.resize(words, 0);
        Some(numbers)
    }

    /// Makes a byte a run, of the first so many: 1 where some of the rows are its. In words, as all that is made.
    pub fn mark_runs(&self, part: Range<usize>, runs: usize, out: &mut [u64]) {
        out.fill(0);
        let marks = &mut integers_mut::<u8>(out)[..runs];
        for &run in &self.runs()[part] {
            if let Some(mark) = marks.get_mut(run as usize) {
                *mark = 1;
            }
        }
    }

    /// Makes for each of some rows what is told of its run.
    pub fn look_up(&self, part: Range<usize>, of_run: &[i32], out: &mut [u64]) {
        for (number, &run) in integers_mut(out).iter_mut().zip(&self.runs()[part]) {
            *number = of_run.get(run as usize).copied().unwrap_or_default();
        }
    }

    /// Makes the numbers of some rows in a column: `width` bytes each, 1, 2, 4 or 8.
    pub fn pick(&self, part: Range<usize>, column: usize, width: usize, out: &mut [u64]) {
        let columns = self.columns.get(column).map_or(&[][..], Vec::as_slice);
        match width {
            1 => self.pick_as::<u8>(part, columns, out),
            2 => self.pick_as::<u16>(part, columns, out),
            4 => self.pick_as::<u32>(part, columns, out),
            _ => self.pick_as::<u64>(part, columns, out),
        }
    }

    fn pick_as<T: Integer>(&self, part: Range<usize>, runs: &[Numbers], out: &mut [u64]) {
        let of_run: Vec<&[T]> = runs.iter().map(|words| integers(words)).collect();
        let places = self.runs()[part.clone()].iter().zip(&self.rows()[part]);
        for (number, (&run, &row)) in integers_mut(out).iter_mut().zip(places) {
            let numbers = of_run.get(run as usize);
            *number = numbers
                .and_then(|numbers| numbers.get(row as usize))
                .copied()
                .unwrap_or_default();
        }
    }
}

/// Integers that any bits are.
trait Integer: Copy + Default {}
impl Integer for i32 {}
impl Integer for u8 {}
impl Integer for u16 {}
impl Integer for u32 {}
impl Integer for u64 {}

fn integers<T: Integer>(words: &[u64]) -> &[T] {
    // SAFETY: words are aligned for all integers of up to 64 bits, and so many fill them.
    unsafe { core::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words) / size_of::<T>()) }
}

/// Words as the integers that they are made of.
fn integers_mut<T: Integer>(words: &mut [u64]) -> &mut [T] {
    // SAFETY: as in `integers`; nobody else looks at the words meanwhile.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), size_of_val(words) / size_of::<T>()) }
}

fn reserve<T>(items: &mut Vec<T>, length: usize) -> Option<()> {
    items.try_reserve_exact(length.saturating_sub(items.len())).ok()
}

fn grow_to<T: Default>(items: &mut Vec<T>, length: usize) -> Option<()> {
    if items.len() < length {
        items.try_reserve(length - items.len()).ok()?;
        items.resize_with(length, T::default);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows in this order.
    fn fill(picker: &mut Picker, rows: &[(i32, i32)]) {
        (picker.runs, picker.rows) = rows.iter().copied().unzip();
        picker.count = rows.len();
    }

    #[test]
    fn picks_numbers_of_every_width() {
        let mut picker = Picker::default();
        picker
            .numbers(1, 0, 16)
            .unwrap()
            .copy_from_slice(&[0x0807_0605_0403_0201, 9]);
        picker.numbers(1, 2, 8).unwrap().copy_from_slice(&[u64::MAX]);
        fill(&mut picker, &[(2, 0), (0, 1), (0, 0), (2, 0)]);
        let mut out = [0; 4];
        picker.pick(0..4, 1, 8, &mut out);
        assert_eq!(out, [u64::MAX, 9, 0x0807_0605_0403_0201, u64::MAX]);
        picker.pick(0..4, 1, 4, &mut out[..2]);
        assert_eq!(out[..2], [0x0807_0605_ffff_ffff, 0xffff_ffff_0403_0201]);
        picker.pick(0..4, 1, 2, &mut out[..1]);
        assert_eq!(out[0], 0xffff_0201_0403_ffff);
        picker.pick(0..4, 1, 1, &mut out[..1]);
        assert_eq!(out[0] as u32, 0xff01_02ff);
        picker.pick(2..3, 1, 8, &mut out[..1]);
        assert_eq!(out[0], 0x0807_0605_0403_0201);
    }

    #[test]
    fn what_is_not_there_is_0() {
        let mut picker = Picker::default();
        picker.numbers(0, 1, 8).unwrap()[0] = 5;
        fill(&mut picker, &[(1, 0), (1, 1), (1, -1), (0, 0), (7, 0), (-1, 0)]);
        let mut out = [1; 6];
        picker.pick(0..6, 0, 8, &mut out);
        assert_eq!(out, [5, 0, 0, 0, 0, 0]);
        picker.pick(0..0, 9, 8, &mut out[..0]);
        picker.look_up(0..6, &[3, 4], &mut out);
        assert_eq!(out[..3], [4 | 4 << 32, 4 | 3 << 32, 0]);
        picker.mark_runs(0..6, 3, &mut out[..1]);
        assert_eq!(out[0], 0x0101);
        picker.mark_runs(3..6, 3, &mut out[..1]);
        assert_eq!(out[0], 1);
    }

    #[test]
    fn a_run_may_get_other_numbers() {
        let mut picker = Picker::default();
        picker.numbers(0, 0, 24).unwrap().copy_from_slice(&[1, 2, 3]);
        picker.numbers(0, 0, 8).unwrap()[0] = 4;
        fill(&mut picker, &[(0, 0), (0, 2)]);
        let mut out = [9; 2];
        picker.pick(0..2, 0, 8, &mut out);
        assert_eq!(out, [4, 0]);
    }

    #[test]
    fn takes_the_rows_up_to_a_time() {
        let mut picker = Picker::default();
        for (run, times) in [(0, [3, 5]), (1, [4, 9])] {
            picker.merge.times(run, 10, 2).unwrap().copy_from_slice(&times);
            picker.merge.add(run, (run as i32, 0.0));
        }
        assert_eq!(picker.fill(5, 100), Some(3));
        assert_eq!(
            (picker.runs(), picker.rows()),
            (&[0, 1, 0][..], &[10, 10, 11][..])
        );
        assert!(!picker.has_stretches());
        assert_eq!(picker.merge.exhausted(), [0]);
        assert_eq!(picker.times(), [3, 4, 5]);
    }
}
