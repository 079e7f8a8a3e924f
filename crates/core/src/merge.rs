//! The time-order merge, as `src/engine/merge.ts` has it: rows are ordered span by span of time, or copied stretch by
//! stretch where runs take turns in long ones. Its doc says how; results are the same.

use crate::sorter::Sorter;
use crate::span::{Ordered, Span, MAX_ROWS};

/// Offsets within a near span are keys to sort by. Wider ones are sorted by their times.
const NEAR_WIDTH: u64 = (1 << 31) - 2;
/// Spans aim at this part of the room, as those that turn out too wide are gathered again.
const AIM: f64 = 0.9;
/// For fewer rows a span is not worth its fixed costs.
const FEW_ROWS: usize = 16;
/// Looking for the end of a stretch visits every run: that many stretches show whether it is worth it.
const TRIED_STRETCHES: usize = 32;

/// Orders the rows of many sorted runs, a block at a time.
#[derive(Default)]
pub struct Merge {
    /// By id; what a run has stays until another one takes the id.
    times: Vec<Times>,
    /// Runs with rows left, in the order that breaks ties.
    live: Vec<Run>,
    /// Ids of the runs whose last row the latest block has.
    exhausted: Vec<i32>,
    sorter: Sorter,
    scratch: Scratch,
    /// Of the latest span: rows per ns; 0 before there is one.
    density: f64,
    /// Of the latest span: whether it had long stretches.
    has_stretches: bool,
}

/// The times of a run's rows from one on.
#[derive(Default)]
struct Times {
    from: i32,
    values: Vec<i64>,
}

/// A run with rows left.
struct Run {
    id: usize,
    /// What breaks ties: topic, then batch.
    rank: (i32, f64),
    /// The place of the next row among its times, and its time.
    next: usize,
    head: i64,
}

/// The rows of a span, run by run; see [`Span`].
#[derive(Default)]
struct Scratch {
    keys: Vec<i32>,
    starts: Vec<i32>,
    ids: Vec<i32>,
    shifts: Vec<i32>,
    /// The runs' indices.
    members: Vec<usize>,
}

impl Times {
    /// The number of a row by its place.
    fn row(&self, place: usize) -> i32 {
        self.from.wrapping_add(place as i32)
    }
}

impl Merge {
    /// Room for the times, ascending, of the rows `from` on of a run, which is then to be added by [`Merge::add`]. No run with
    /// rows left has this id. `None` where there is no memory.
    pub fn times(&mut self, id: usize, from: i32, count: usize) -> Option<&mut [i64]> {
        if self.times.len() <= id {
            self.times.try_reserve(id + 1 - self.times.len()).ok()?;
            self.times.resize_with(id + 1, Times::default);
        }
        let times = &mut self.times[id];
        times.from = from;
        let missing = count.saturating_sub(times.values.len());
        times.values.try_reserve_exact(missing).ok()?;
        times.values.resize(count, 0);
        Some(&mut times.values)
    }

    /// Adds a run whose times are there.
    pub fn add(&mut self, id: usize, rank: (i32, f64)) {
        let Some(&head) = self.times[id].values.first() else {
            return;
        };
        let at = self.live.partition_point(|run| run.rank < rank);
        self.live.insert(
            at,
            Run {
                id,
                rank,
                next: 0,
                head,
            },
        );
    }

    /// The smallest time not yet given out.
    pub fn head(&self) -> Option<i64> {
        self.live.iter().map(|run| run.head).min()
    }

    /// Ids of the runs whose last row the latest block has.
    pub fn exhausted(&self) -> &[i32] {
        &self.exhausted
    }

    /// Runs with rows left, as (id, number of the next row).
    pub fn left(&self) -> impl Iterator<Item = (i32, i32)> + '_ {
        self.live
            .iter()
            .map(|run| (run.id as i32, self.times[run.id].row(run.next)))
    }

    /// Writes the next rows in order, none later than `until`. Returns how many, at most as there is room for.
    pub fn fill(&mut self, until: i64, Ordered { runs, rows, times }: Ordered) -> usize {
        self.exhausted.clear();
        let room = runs.len();
        let mut count = 0;
        // A span may turn out small, but the caller pays by the block.
        while 2 * count < room && !self.live.is_empty() {
            let end = room.min(count + MAX_ROWS);
            let part = count..end;
            let mut out = Ordered {
                runs: &mut runs[part.clone()],
                rows: &mut rows[part.clone()],
                times: &mut times[part],
            };
            let copies = self.has_stretches || end - count < FEW_ROWS || self.live.len() == 1;
            let added = if copies {
                self.copy_stretches(until, out)
            } else {
                self.order_span(until, &mut out)
            };
            if added == 0 {
                break;
            }
            count += added;
        }
        count
    }

    /// Index of the run that comes first, `except` aside.
    fn find_first(&self, except: Option<usize>) -> Option<usize> {
        let others = self.live.iter().enumerate().filter(|&(i, _)| Some(i) != except);
        // Of equal ones the first.
        others.min_by_key(|(_, run)| run.head).map(|(i, _)| i)
    }

    /// Sets the next row of a run.
    fn move_to(&mut self, index: usize, next: usize) {
        let run = &mut self.live[index];
        run.next = next;
        if let Some(&head) = self.times[run.id].values.get(next) {
            run.head = head;
        }
    }

    /// Removes the runs without rows left.
    fn drop_ended(&mut self) {
        let (times, exhausted) = (&self.times, &mut self.exhausted);
        self.live.retain(|run| {
            let is_live = run.next < times[run.id].values.len();
            if !is_live {
                exhausted.push(run.id as i32);
            }
            is_live
        });
    }

    /// Stretches of so many rows on average are worth looking for, which takes a visit to every run.
    fn long_stretch(&self) -> usize {
        (self.live.len() / 8).max(16)
    }

    /// Gives out stretches: rows that one run has before any other has one.
    fn copy_stretches(&mut self, until: i64, out: Ordered) -> usize {
        let room = out.runs.len();
        let (mut count, mut stretches) = (0, 0);
        while count < room {
            let is_short = 2 * count < stretches * self.long_stretch();
            if stretches > TRIED_STRETCHES && is_short {
                break;
            }
            let Some(index) = self.find_first(None) else { break };
            let bound = self.stretch_bound(index, until);
            let Run { id, next, .. } = self.live[index];
            let times = &self.times[id];
            let stop = times.values.len().min(next + room - count);
            let length = times.values[next..stop].partition_point(|&time| time <= bound);
            if length == 0 {
                break;
            }
            let end = count + length;
            out.runs[count..end].fill(id as i32);
            for (row, number) in out.rows[count..end].iter_mut().zip(times.row(next)..) {
                *row = number;
            }
            out.times[count..end].copy_from_slice(&times.values[next..next + length]);
            self.move_to(index, next + length);
            self.drop_ended();
            count = end;
            stretches += 1;
        }
        if 2 * count < stretches * self.long_stretch() {
            self.has_stretches = false;
        }
        count
    }

    /// Up to which time a run is before every other one, and in time.
    fn stretch_bound(&self, index: usize, until: i64) -> i64 {
        let Some(rival) = self.find_first(Some(index)) else {
            return until;
        };
        // A rival of lower index goes first at equal times. It would be the first if it had the smallest time there is.
        let head = self.live[rival].head;
        until.min(if rival < index { head - 1 } else { head })
    }

    /// Gives out the rows of a span.
    fn order_span(&mut self, until: i64, out: &mut Ordered) -> usize {
        let room = out.runs.len();
        let Some(base) = self.head().filter(|&head| head <= until) else {
            return 0;
        };
        let limit = until.wrapping_sub(base) as u64;
        let density = if self.density > 0.0 { self.density } else { 1e-3 };
        // Near spans sort faster, where they hold rows enough to be worth a visit to every run.
        let has_enough = NEAR_WIDTH as f64 * density > (2 * self.live.len() + 64) as f64;
        let widest = if has_enough { NEAR_WIDTH } else { u64::MAX };
        let mut width = ((AIM * room as f64 / density) as u64).min(widest).min(limit);
        let mut count = self.gather(room, base, width);
        while count > room {
            self.put_back();
            width = if width > NEAR_WIDTH { NEAR_WIDTH } else { width / 4 };
            count = self.gather(room, base, width);
        }
        let part = Ordered {
            runs: &mut out.runs[..count],
            rows: &mut out.rows[..count],
            times: &mut out.times[..count],
        };
        if width > NEAR_WIDTH {
            self.sort_far(part);
        } else {
            let Scratch {
                keys,
                starts,
                ids,
                shifts,
                ..
            } = &self.scratch;
            let span = Span {
                base,
                keys,
                starts,
                ids,
                shifts,
            };
            self.sorter.sort(span, part);
        }
        self.drop_ended();
        // A few rows say little of density: the next span is at most 64 times wider.
        self.density = count.max(room / 64) as f64 / width.max(1) as f64;
        let is_break = |i: usize| out.runs[i] != out.runs[i - 1];
        self.has_stretches = has_stretches(count, self.long_stretch(), is_break);
        count
    }

    /// Takes rows from their runs: those up to `width` ns after `base`. Returns how many, or more than `room` where not all
    /// fit. Without width, rows of one time, it takes what fits.
    fn gather(&mut self, room: usize, base: i64, width: u64) -> usize {
        let Scratch {
            keys,
            starts,
            ids,
            shifts,
            members,
        } = &mut self.scratch;
        for list in [&mut *keys, starts, ids, shifts] {
            list.clear();
        }
        members.clear();
        let room = if width == 0 { room } else { room + 1 };
        for (index, run) in self.live.iter_mut().enumerate() {
            let start = keys.len();
            if start == room {
                break;
            }
            if run.head.wrapping_sub(base) as u64 > width {
                continue;
            }
            let times = &self.times[run.id];
            let stop = times.values.len().min(run.next + room - start);
            let ahead = &times.values[run.next..stop];
            let ahead = &ahead[..count_within(ahead, base, width)];
            members.push(index);
            starts.push(start as i32);
            ids.push(run.id as i32);
            shifts.push(times.row(run.next).wrapping_sub(start as i32));
            keys.extend(ahead.iter().map(|time| time.wrapping_sub(base) as i32));
            run.next += ahead.len();
            run.head = times.values.get(run.next).copied().unwrap_or(run.head);
        }
        starts.push(keys.len() as i32);
        keys.len()
    }

    /// Undoes the latest gathering.
    fn put_back(&mut self) {
        for at in 0..self.scratch.members.len() {
            let length = (self.scratch.starts[at + 1] - self.scratch.starts[at]) as usize;
            let index = self.scratch.members[at];
            self.move_to(index, self.live[index].next - length);
        }
    }

    /// Orders gathered rows by their times.
    fn sort_far(&self, Ordered { runs, rows, times }: Ordered) {
        let Scratch {
            starts,
            ids,
            shifts,
            members,
            ..
        } = &self.scratch;
        let mut items = Vec::with_capacity(runs.len());
        for (member, (&index, of)) in members.iter().zip(starts.windows(2)).enumerate() {
            let run = &self.live[index];
            let length = (of[1] - of[0]) as usize;
            let gathered = &self.times[run.id].values[run.next - length..run.next];
            items.extend(
                gathered
                    .iter()
                    .zip(of[0]..)
                    .map(|(&time, place)| (time, member, place)),
            );
        }
        items.sort_unstable();
        for (i, (time, member, place)) in items.into_iter().enumerate() {
            runs[i] = ids[member];
            rows[i] = shifts[member].wrapping_add(place);
            times[i] = time;
        }
    }
}

/// Whether so many rows make stretches of `length` rows or more on average. Looks no further than it must.
pub(crate) fn has_stretches(count: usize, length: usize, is_break: impl Fn(usize) -> bool) -> bool {
    let mut left = count / length;
    for i in 1..count {
        if left == 0 {
            return false;
        }
        left -= usize::from(is_break(i));
    }
    left > 0
}

/// How many of some ascending times are at most `width` ns after `base`, which is none of them before: by steps that double,
/// since most often there are few of many.
fn count_within(times: &[i64], base: i64, width: u64) -> usize {
    let is_within = |&time: &i64| time.wrapping_sub(base) as u64 <= width;
    let mut step = 16;
    let mut from = 0;
    while from + step < times.len() && is_within(&times[from + step]) {
        from += step;
        step *= 2;
    }
    let to = times.len().min(from + step);
    from + times[from..to].partition_point(is_within)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(merge: &mut Merge, id: usize, rank: (i32, f64), from: i32, times: &[i64]) {
        merge.times(id, from, times.len()).unwrap().copy_from_slice(times);
        merge.add(id, rank);
    }

    fn all(merge: &mut Merge, until: i64, room: usize) -> Vec<(i32, i32)> {
        let mut found = Vec::new();
        let (mut runs, mut rows, mut times) = (vec![0; room], vec![0; room], vec![0; room]);
        loop {
            let out = Ordered {
                runs: &mut runs,
                rows: &mut rows,
                times: &mut times,
            };
            let count = merge.fill(until, out);
            if count == 0 {
                return found;
            }
            for i in 0..count {
                let run = &merge.times[runs[i] as usize];
                assert_eq!(times[i], run.values[(rows[i] - run.from) as usize]);
            }
            found.extend(runs[..count].iter().copied().zip(rows[..count].iter().copied()));
        }
    }

    #[test]
    fn breaks_ties_by_topic_batch_and_row() {
        let mut merge = Merge::default();
        add(&mut merge, 0, (2, 0.0), 0, &[5, 5]);
        add(&mut merge, 1, (1, 1.0), 7, &[5]);
        add(&mut merge, 2, (1, 0.0), 0, &[4, 5, 6]);
        assert_eq!(merge.head(), Some(4));
        assert_eq!(all(&mut merge, 5, 64), [(2, 0), (2, 1), (1, 7), (0, 0), (0, 1)]);
        assert_eq!(merge.left().collect::<Vec<_>>(), [(2, 2)]);
        assert_eq!(all(&mut merge, i64::MAX, 64), [(2, 2)]);
        assert_eq!(merge.head(), None);
    }

    #[test]
    fn orders_the_whole_range_of_times() {
        let mut merge = Merge::default();
        add(&mut merge, 3, (0, 0.0), 0, &[i64::MIN, -1, i64::MAX]);
        add(&mut merge, 4, (1, 0.0), 0, &[i64::MIN, 0, i64::MAX]);
        let wanted = [(3, 0), (4, 0), (3, 1), (4, 1), (3, 2), (4, 2)];
        assert_eq!(all(&mut merge, i64::MAX, 20), wanted);
        assert_eq!(merge.exhausted(), []);
    }

    #[test]
    fn equals_a_sort_however_rows_lie() {
        let mut state = 1u64;
        let mut below = |bound: u64| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) % bound
        };
        for case in 0..300 {
            let mut merge = Merge::default();
            let gap = [1, 3, 1000, 1 << 33][below(4) as usize];
            let mut wanted = Vec::new();
            for id in 0..1 + below(90) as i32 {
                let mut time = below(2000) as i64 * if below(2) == 0 { 1 } else { gap as i64 };
                let times: Vec<i64> = (0..1 + below(300))
                    .map(|_| {
                        time += below(gap) as i64;
                        time
                    })
                    .collect();
                let from = below(5) as i32;
                wanted.extend(times.iter().zip(from..).map(|(&time, row)| (time, id, row)));
                add(&mut merge, id as usize, (id / 2, f64::from(id % 2)), from, &times);
            }
            wanted.sort_unstable();
            let found = all(&mut merge, i64::MAX, 1 + below(9000) as usize);
            let wanted: Vec<_> = wanted.into_iter().map(|(_, id, row)| (id, row)).collect();
            assert_eq!(found, wanted, "case {case}");
        }
    }
}
