//! The order of spans against sorting everything, over seeded random rows.

use smalti_core::sorter::Sorter;
use smalti_core::span::{Ordered, Span, MAX_ROWS};

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

#[derive(Default)]
struct Rows {
    keys: Vec<i32>,
    starts: Vec<i32>,
    ids: Vec<i32>,
    shifts: Vec<i32>,
}

/// Spans of one of many shapes: few and many runs, dense and sparse, ties, bursts, the largest keys.
fn random_span(random: &mut Random) -> Rows {
    let mut span = Rows::default();
    let runs = [1, 2, 5, 17, 33, 64, 65, 300, 5000][random.below(9) as usize];
    let spread = [0, 1, 50, 10_000, (1 << 31) - 2][random.below(5) as usize];
    let most = [1, 10, 300][random.below(3) as usize];
    let bursts = random.below(3) == 0;
    for id in 0..runs {
        let length = random.below(most) as usize + 1;
        if span.keys.len() + length > MAX_ROWS {
            break;
        }
        let mut keys: Vec<i32> = (0..length)
            .map(|_| match random.below(spread + 1) {
                // Many in few places.
                key if bursts => key - key % (spread / 8 + 1),
                key => key,
            })
            .map(|key| key as i32)
            .collect();
        keys.sort_unstable();
        span.starts.push(span.keys.len() as i32);
        span.ids.push(runs - id);
        span.shifts
            .push(random.below(1 << 30) as i32 - span.keys.len() as i32);
        span.keys.extend(keys);
    }
    span.starts.push(span.keys.len() as i32);
    span
}

/// Rows as (time, run, number), those of a time in the order of the runs.
fn sorted(span: &Rows, base: i64) -> Vec<(i64, i32, i32)> {
    let mut rows = Vec::new();
    for run in 0..span.ids.len() {
        for place in span.starts[run]..span.starts[run + 1] {
            let time = base.wrapping_add(span.keys[place as usize].into());
            rows.push((time, span.ids[run], place + span.shifts[run]));
        }
    }
    rows.sort_by_key(|&(time, ..)| time);
    rows
}

#[test]
fn orders_as_sorting_does() {
    let mut sorter = Sorter::default();
    for seed in 1..=2000u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let rows = random_span(&mut random);
        let base = [0, -5, i64::MIN, i64::MAX - (1 << 31)][random.below(4) as usize];
        let count = rows.keys.len();
        let (mut ids, mut numbers, mut times) = (vec![0; count], vec![0; count], vec![0; count]);
        let span = Span {
            base,
            keys: &rows.keys,
            starts: &rows.starts,
            ids: &rows.ids,
            shifts: &rows.shifts,
        };
        let out = Ordered {
            runs: &mut ids,
            rows: &mut numbers,
            times: &mut times,
        };
        sorter.sort(span, out);
        let given: Vec<_> = (0..count).map(|i| (times[i], ids[i], numbers[i])).collect();
        assert!(
            given == sorted(&rows, base),
            "seed {seed}: another order than sorting gives"
        );
    }
}
