//! Picking rows out of the columns of many runs, in any order.
//!
//! What a caller gives is never trusted: a run or a row that is not there has the number 0.

/// Columns of numbers by run, and the rows to be picked out of them.
#[derive(Default)]
pub struct Picker {
    /// The run of each row, then each one's number in its run.
    rows: Vec<i32>,
    columns: Vec<Vec<Numbers>>,
}

/// The numbers of one run: in words, so that they are aligned.
type Numbers = Vec<u64>;

impl Picker {
    /// Room for the runs of so many rows, then for their numbers in these. `None` where there is no memory.
    pub fn rows(&mut self, count: usize) -> Option<&mut [i32]> {
        reserve(&mut self.rows, 2 * count)?;
        self.rows.resize(2 * count, 0);
        Some(&mut self.rows)
    }

    fn runs_and_rows(&self) -> (&[i32], &[i32]) {
        self.rows.split_at(self.rows.len() / 2)
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

    /// Bytes that it holds of columns.
    pub fn held_bytes(&self) -> usize {
        self.columns
            .iter()
            .flatten()
            .map(|numbers| 8 * numbers.capacity())
            .sum()
    }

    /// Makes a byte a run, of the first so many: 1 where there are rows of it. In words, as all that is made.
    pub fn mark_runs(&self, runs: usize, out: &mut [u64]) {
        out.fill(0);
        let marks = &mut integers_mut::<u8>(out)[..runs];
        for &run in self.runs_and_rows().0 {
            if let Some(mark) = marks.get_mut(run as usize) {
                *mark = 1;
            }
        }
    }

    /// Makes for each row what is told of its run.
    pub fn look_up(&self, of_run: &[i32], out: &mut [u64]) {
        for (number, &run) in integers_mut(out).iter_mut().zip(self.runs_and_rows().0) {
            *number = of_run.get(run as usize).copied().unwrap_or_default();
        }
    }

    /// Makes the numbers of the rows in a column: `width` bytes each, 1, 2, 4 or 8.
    pub fn pick(&self, column: usize, width: usize, out: &mut [u64]) {
        let runs = self.columns.get(column).map_or(&[][..], Vec::as_slice);
        match width {
            1 => self.pick_as::<u8>(runs, out),
            2 => self.pick_as::<u16>(runs, out),
            4 => self.pick_as::<u32>(runs, out),
            _ => self.pick_as::<u64>(runs, out),
        }
    }

    fn pick_as<T: Integer>(&self, runs: &[Numbers], out: &mut [u64]) {
        let of_run: Vec<&[T]> = runs.iter().map(|words| integers(words)).collect();
        let (run_of, row_of) = self.runs_and_rows();
        for ((number, &run), &row) in integers_mut(out).iter_mut().zip(run_of).zip(row_of) {
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

    fn fill(picker: &mut Picker, runs: &[i32], rows: &[i32]) {
        picker
            .rows(runs.len())
            .unwrap()
            .copy_from_slice(&[runs, rows].concat());
    }

    #[test]
    fn picks_numbers_of_every_width() {
        let mut picker = Picker::default();
        picker
            .numbers(1, 0, 16)
            .unwrap()
            .copy_from_slice(&[0x0807_0605_0403_0201, 9]);
        picker.numbers(1, 2, 8).unwrap().copy_from_slice(&[u64::MAX]);
        fill(&mut picker, &[2, 0, 0, 2], &[0, 1, 0, 0]);
        let mut out = [0; 4];
        picker.pick(1, 8, &mut out);
        assert_eq!(out, [u64::MAX, 9, 0x0807_0605_0403_0201, u64::MAX]);
        picker.pick(1, 4, &mut out[..2]);
        assert_eq!(out[..2], [0x0807_0605_ffff_ffff, 0xffff_ffff_0403_0201]);
        picker.pick(1, 2, &mut out[..1]);
        assert_eq!(out[0], 0xffff_0201_0403_ffff);
        picker.pick(1, 1, &mut out[..1]);
        assert_eq!(out[0] as u32, 0xff01_02ff);
    }

    #[test]
    fn what_is_not_there_is_0() {
        let mut picker = Picker::default();
        picker.numbers(0, 1, 8).unwrap()[0] = 5;
        fill(&mut picker, &[1, 1, 1, 0, 7, -1], &[0, 1, -1, 0, 0, 0]);
        let mut out = [1; 6];
        picker.pick(0, 8, &mut out);
        assert_eq!(out, [5, 0, 0, 0, 0, 0]);
        picker.pick(9, 8, &mut out[..0]);
        picker.look_up(&[3, 4], &mut out);
        assert_eq!(out[..3], [4 | 4 << 32, 4 | 3 << 32, 0]);
        picker.mark_runs(3, &mut out[..1]);
        assert_eq!(out[0], 0x0101);
    }

    #[test]
    fn a_run_may_get_other_numbers() {
        let mut picker = Picker::default();
        picker.numbers(0, 0, 24).unwrap().copy_from_slice(&[1, 2, 3]);
        picker.numbers(0, 0, 8).unwrap()[0] = 4;
        fill(&mut picker, &[0, 0], &[0, 2]);
        let mut out = [9; 2];
        picker.pick(0, 8, &mut out);
        assert_eq!(out, [4, 0]);
        assert_eq!(picker.held_bytes(), 24);
    }
}
