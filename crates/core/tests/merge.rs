//! The merge against sorting everything, over seeded random runs.

use smalti_core::merge::Merger;

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

struct Run {
    topic: u32,
    batch: u32,
    first_row: u32,
    times: Vec<i64>,
}

/// Runs of one of many shapes: dense and sparse, ties, extremes of i64, bursts.
fn random_runs(random: &mut Random) -> Vec<Run> {
    let topics = [1, 2, 3, 20, 64, 65, 200][random.below(7) as usize];
    let spread = [0, 1, 50, 10_000, 1 << 33, 1 << 50, u64::MAX][random.below(7) as usize];
    let base = [0, i64::MIN, i64::MAX, 1_700_000_000_000_000_000, -5][random.below(5) as usize];
    let most = [1, 10, 300][random.below(3) as usize];
    let bursty = random.below(4) == 0;
    let mut runs = Vec::new();
    for topic in 0..topics {
        for batch in 0..1 + random.below(3) as u32 {
            let length = random.below(most) + 1;
            let burst = random.below(1000) as i64 * 1_000;
            let mut times: Vec<i64> = (0..length)
                .map(|row| {
                    let offset = if spread == u64::MAX {
                        random.next()
                    } else {
                        random.below(spread + 1)
                    } as i128;
                    let time = if bursty {
                        (burst + row as i64) as i128
                    } else {
                        offset
                    };
                    let time = if base == i64::MAX {
                        base as i128 - time
                    } else {
                        base as i128 + time
                    };
                    time.clamp(i64::MIN as i128, i64::MAX as i128) as i64
                })
                .collect();
            times.sort_unstable();
            runs.push(Run {
                topic,
                batch,
                first_row: random.below(100) as u32,
                times,
            });
        }
    }
    runs
}

fn sorted(runs: &[Run]) -> Vec<(i32, i32)> {
    let mut rows: Vec<_> = runs
        .iter()
        .enumerate()
        .flat_map(|(id, run)| {
            run.times
                .iter()
                .enumerate()
                .map(move |(at, &time)| (time, run.topic, run.batch, run.first_row as usize + at, id))
        })
        .collect();
    rows.sort_unstable();
    rows.into_iter()
        .map(|(.., row, id)| (id as i32, row as i32))
        .collect()
}

#[test]
fn merges_as_sorting_does() {
    for seed in 1..=1500u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let runs = random_runs(&mut random);
        let wanted = sorted(&runs);
        let mut merger = Merger::new();
        // In any order.
        let mut order: Vec<usize> = (0..runs.len()).collect();
        for k in (1..order.len()).rev() {
            order.swap(k, random.below(k as u64 + 1) as usize);
        }
        for id in order {
            let Run {
                topic,
                batch,
                first_row,
                times,
            } = &runs[id];
            merger.add(id as i32, *topic, *batch, times.clone(), *first_row);
        }
        let capacity = [1, 7, 64, 4096, 20_000][random.below(5) as usize];
        let (mut ids, mut rows) = (vec![0; capacity], vec![0; capacity]);
        let mut given = Vec::new();
        let mut ended = 0;
        // Some steps up to a time, then all the rest.
        let mut stops: Vec<i64> = (0..random.below(4))
            .map(|_| runs[random.below(runs.len() as u64) as usize].times[0])
            .collect();
        stops.sort_unstable();
        stops.push(i64::MAX);
        for stop in stops {
            loop {
                let count = merger.fill(stop, &mut ids, &mut rows);
                ended += merger.exhausted().len();
                if count == 0 {
                    break;
                }
                given.extend(ids[..count].iter().copied().zip(rows[..count].iter().copied()));
            }
            if let Some(head) = merger.head() {
                assert!(head > stop, "seed {seed}: stopped before {stop}");
            }
        }
        assert!(given == wanted, "seed {seed}: another order than sorting gives");
        assert_eq!(ended, runs.len(), "seed {seed}: exhausted runs");
        assert_eq!(merger.head(), None, "seed {seed}");
    }
}
