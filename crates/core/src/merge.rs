//! The time-order merge.
//!
//! A fill orders windows of time: from the first head on, as wide as should fill the caller's arrays at the latest
//! density of rows. A window of few runs is merged by two loser trees, one from each end ([`crate::tournament`]), so
//! that one's memory latency hides behind the other's; one of many runs is sorted by digits ([`crate::radix`]). Where
//! runs take turns in long stretches, the stretches are copied instead. Which way a window is ordered never shows.

use crate::radix::Rows;
use crate::tournament::{Lanes, MAX_LANES};

/// Windows of more rows would outgrow the processor's cache.
const MAX_ROWS: usize = 1 << 14;
/// Windows aim at this part of the room, as those that turn out too wide are measured again.
const AIM: f64 = 0.9;
/// For fewer rows a window is not worth its fixed costs.
const FEW_ROWS: usize = 16;
/// No window is wider, in ns: keys hold an offset and a place.
const MAX_WIDTH: u64 = 1 << 48;

/// A run with rows left.
struct Run {
    id: i32,
    topic: u32,
    batch: u32,
    times: Vec<i64>,
    /// What the caller calls row 0 of `times`.
    first_row: u32,
    /// The next row to give out, counted in `times`.
    next: usize,
}

impl Run {
    fn row(&self, at: usize) -> i32 {
        (self.first_row as usize + at) as i32
    }
}

/// Orders the rows of many sorted runs, a block at a time: by time, then topic, then batch, then row.
pub struct Merger {
    /// Runs with rows left, in the order that breaks ties.
    runs: Vec<Run>,
    /// Their next times.
    heads: Vec<i64>,
    exhausted: Vec<i32>,
    /// Of the latest window: rows per ns, and whether it had long stretches.
    density: f64,
    has_stretches: bool,
    /// The window: its runs, and up to where their rows are in it.
    members: Vec<(usize, usize)>,
    lanes: Lanes,
    rows: Rows,
}

impl Default for Merger {
    fn default() -> Self {
        Self::new()
    }
}

impl Merger {
    pub fn new() -> Self {
        Self {
            runs: Vec::new(),
            heads: Vec::new(),
            exhausted: Vec::new(),
            density: 1e-3,
            has_stretches: false,
            members: Vec::new(),
            lanes: Lanes::default(),
            rows: Rows::default(),
        }
    }

    /// Adds a sorted run; `times[0]` is the caller's row `first_row`. Empty runs are not added.
    pub fn add(&mut self, id: i32, topic: u32, batch: u32, times: Vec<i64>, first_row: u32) {
        let Some(&head) = times.first() else { return };
        let index = self
            .runs
            .partition_point(|run| (run.topic, run.batch) <= (topic, batch));
        self.heads.insert(index, head);
        self.runs.insert(
            index,
            Run {
                id,
                topic,
                batch,
                times,
                first_row,
                next: 0,
            },
        );
    }

    /// The smallest time not yet given out.
    pub fn head(&self) -> Option<i64> {
        self.heads.iter().copied().min()
    }

    /// Ids of the runs whose last row the latest fill gave out.
    pub fn exhausted(&self) -> &[i32] {
        &self.exhausted
    }

    /// Writes the next rows in order, none later than `until`, into `runs` (ids) and `rows`, of one length. Returns how
    /// many: 0 only when no row at or before `until` is left.
    pub fn fill(&mut self, until: i64, runs: &mut [i32], rows: &mut [i32]) -> usize {
        self.exhausted.clear();
        let capacity = runs.len().min(rows.len());
        let mut count = 0;
        // A window may turn out small, but the caller pays by the block.
        while count < capacity.div_ceil(2) && !self.runs.is_empty() {
            let end = capacity.min(count + MAX_ROWS);
            let (runs, rows) = (&mut runs[count..end], &mut rows[count..end]);
            let copies = self.has_stretches || end - count < FEW_ROWS || self.runs.len() == 1;
            let added = if copies {
                self.copy_stretches(until, runs, rows)
            } else {
                self.order_window(until, runs, rows)
            };
            if added == 0 {
                break;
            }
            count += added;
        }
        count
    }

    /// Index of the run that comes first, `except` aside.
    fn first(&self, except: usize) -> Option<usize> {
        let mut least: Option<usize> = None;
        for (index, head) in self.heads.iter().enumerate() {
            if index != except && least.is_none_or(|least| *head < self.heads[least]) {
                least = Some(index);
            }
        }
        least
    }

    /// Sets the next row of a run; true when it has none left.
    fn advance(&mut self, index: usize, next: usize) -> bool {
        let run = &mut self.runs[index];
        run.next = next;
        match run.times.get(next) {
            Some(&head) => {
                self.heads[index] = head;
                false
            }
            None => true,
        }
    }

    fn drop_ended(&mut self) {
        let (exhausted, heads) = (&mut self.exhausted, &mut self.heads);
        heads.clear();
        self.runs.retain(|run| match run.times.get(run.next) {
            Some(&head) => {
                heads.push(head);
                true
            }
            None => {
                exhausted.push(run.id);
                false
            }
        });
    }

    /// Stretches of so many rows on average are worth looking for, which takes a visit to every run.
    fn long_stretch(&self) -> usize {
        16.max(self.runs.len() / 8)
    }

    /// Gives out stretches: rows that one run has before any other has one.
    fn copy_stretches(&mut self, until: i64, runs: &mut [i32], rows: &mut [i32]) -> usize {
        let mut count = 0;
        let mut stretches = 0;
        let mut is_short = false;
        while count < runs.len() && !(stretches > 32 && is_short) {
            let Some(index) = self.first(usize::MAX) else {
                break;
            };
            let bound = match self.first(index) {
                // A rival of lower index goes first at equal times, so the bound is a nanosecond earlier.
                Some(rival) if rival < index => until.min(self.heads[rival].saturating_sub(1)),
                Some(rival) => until.min(self.heads[rival]),
                None => until,
            };
            if self.heads[index] > bound {
                break;
            }
            let run = &self.runs[index];
            let stop = run.times.len().min(run.next + runs.len() - count);
            let end = gallop(&run.times[..stop], run.next, bound);
            runs[count..count + end - run.next].fill(run.id);
            for (place, at) in rows[count..].iter_mut().zip(run.next..end) {
                *place = run.row(at);
            }
            count += end - run.next;
            stretches += 1;
            is_short = count < stretches * self.long_stretch() / 2;
            if self.advance(index, end) {
                self.drop_ended();
            }
        }
        self.has_stretches &= !is_short;
        count
    }

    /// Gives out the rows of a window.
    fn order_window(&mut self, until: i64, runs: &mut [i32], rows: &mut [i32]) -> usize {
        let capacity = runs.len();
        let base = self
            .heads
            .iter()
            .copied()
            .min()
            .expect("a window begins with a row");
        if base > until {
            return 0;
        }
        let limit = until.abs_diff(base).min(MAX_WIDTH);
        let mut width = ((AIM * capacity as f64 / self.density) as u64).min(limit);
        let mut count = self.gather(base, width, capacity);
        while count > capacity {
            // Rows of one time need no order but that of their runs.
            if width == 0 {
                return self.give_in_turn(base, runs, rows);
            }
            width /= 4;
            count = self.gather(base, width, capacity);
        }
        let (runs, rows) = (&mut runs[..count], &mut rows[..count]);
        if self.members.len() <= MAX_LANES {
            self.lanes.merge(runs, rows);
        } else {
            self.rows.sort(width, runs, rows);
        }
        self.take_members();
        // A few rows say little of density: the next window is at most 64 times wider.
        self.density = count.max(capacity / 64) as f64 / width.max(1) as f64;
        self.has_stretches = has_stretches(runs, self.long_stretch());
        count
    }

    /// Gathers the rows up to `width` ns after `base`; returns how many, or more than `capacity` where not all fit.
    fn gather(&mut self, base: i64, width: u64, capacity: usize) -> usize {
        let bound = base.saturating_add_unsigned(width);
        self.members.clear();
        self.members.extend(
            self.heads
                .iter()
                .enumerate()
                .filter(|(_, &head)| head <= bound)
                .map(|(index, _)| (index, 0)),
        );
        let by_lanes = self.members.len() <= MAX_LANES;
        self.lanes.clear();
        self.rows.clear();
        let mut count = 0;
        for (index, end) in &mut self.members {
            let run = &self.runs[*index];
            // One more than fits is enough to know.
            let stop = run.times.len().min(run.next + capacity + 1 - count);
            let times = &run.times[run.next..stop];
            let first_row = run.row(run.next);
            let taken = if by_lanes {
                self.lanes.gather(base, bound, run.id, first_row, times)
            } else {
                self.rows.gather(base, bound, run.id, first_row, times)
            };
            *end = run.next + taken;
            count += taken;
            if count > capacity {
                break;
            }
        }
        count
    }

    /// Gives out rows of one time, as many as there is room for.
    fn give_in_turn(&mut self, time: i64, runs: &mut [i32], rows: &mut [i32]) -> usize {
        let mut count = 0;
        for (index, end) in &mut self.members {
            let run = &self.runs[*index];
            let stop = run.times.len().min(run.next + runs.len() - count);
            *end = gallop(&run.times[..stop], run.next, time);
            for at in run.next..*end {
                (runs[count], rows[count]) = (run.id, run.row(at));
                count += 1;
            }
        }
        self.take_members();
        self.density = count as f64;
        count
    }

    /// Takes the members' rows from their runs.
    fn take_members(&mut self) {
        let mut has_ended = false;
        for k in 0..self.members.len() {
            let (index, end) = self.members[k];
            has_ended |= self.advance(index, end);
        }
        if has_ended {
            self.drop_ended();
        }
    }
}

/// The first place from `from` on whose time is later than `bound`; the length where there is none.
fn gallop(times: &[i64], from: usize, bound: i64) -> usize {
    let mut step = 8;
    let mut low = from;
    while low + step < times.len() && times[low + step] <= bound {
        low += step + 1;
        step *= 2;
    }
    let high = times.len().min(low + step);
    low + times[low..high].partition_point(|&time| time <= bound)
}

/// Whether runs keep their turn for `length` rows or more on average.
fn has_stretches(runs: &[i32], length: usize) -> bool {
    let most = runs.len() / length;
    let mut stretches = 1;
    // In pieces, so that the count itself is free of branches.
    for piece in runs.windows(257).step_by(256) {
        stretches += piece.windows(2).filter(|pair| pair[0] != pair[1]).count();
        if stretches > most {
            return false;
        }
    }
    let rest = (runs.len().max(1) - 1) / 256 * 256;
    stretches += runs[rest.min(runs.len())..]
        .windows(2)
        .filter(|pair| pair[0] != pair[1])
        .count();
    stretches <= most
}
