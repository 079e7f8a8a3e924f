//! Merging few runs by loser trees (Knuth, The Art of Computer Programming, volume 3, 5.4.1).
//!
//! A key has the time's offset from the span's base, then the lane, then the row's place among all keys: no two are
//! equal, and the winner tells its lane and where the next key is. Two trees work in lockstep, one from the first row
//! on, the other from the last row back, each for half of the rows: a step of one fills the stalls of the other.

use crate::span::{Ordered, Span, MAX_ROWS};

/// Runs that a tree takes at most.
pub const MAX_LANES: usize = 64;
const LANE: u64 = MAX_LANES as u64 - 1;
/// Twice the rows: there are two sentinels a lane.
const PLACE: u64 = 2 * MAX_ROWS as u64 - 1;
const LANE_SHIFT: u32 = PLACE.count_ones();
const OFFSET_SHIFT: u32 = LANE_SHIFT + LANE.count_ones();

/// The rows of a span, lane by lane: each lane's keys between one that loses to all going back and one that loses to
/// all going on. So a tree that runs past the end of a lane needs no check.
#[derive(Default)]
pub struct Lanes {
    keys: Vec<u64>,
    lanes: Vec<Lane>,
}

/// A run's part of the keys.
struct Lane {
    id: i32,
    /// Where its keys start and end.
    start: usize,
    end: usize,
    /// From a place in the keys to the row's number.
    shift: i32,
}

const BEFORE_ALL: u64 = 0;
const AFTER_ALL: u64 = u64::MAX;

impl Lanes {
    /// Orders the rows of a span of [`MAX_LANES`] runs at most into what has just the room.
    pub fn sort(&mut self, span: Span, out: Ordered) {
        self.take(span);
        match self.lanes.len() {
            0..=4 => self.merge_by::<2>(span.base, out),
            5..=16 => self.merge_by::<4>(span.base, out),
            17..=32 => self.merge_by::<5>(span.base, out),
            _ => self.merge_by::<6>(span.base, out),
        }
    }

    fn take(&mut self, span: Span) {
        let lanes = span.ids.len();
        self.lanes.clear();
        self.keys.resize(span.keys.len() + 2 * lanes, 0);
        let mut start = 1;
        for lane in 0..lanes {
            let keys = span.keys_of(lane);
            let end = start + keys.len();
            self.keys[start - 1] = BEFORE_ALL;
            let first = (lane as u64) << LANE_SHIFT | start as u64;
            for ((key, &offset), place) in self.keys[start..end].iter_mut().zip(keys).zip(first..) {
                // The place is not 0, so no key is `BEFORE_ALL`.
                *key = u64::from(offset as u32) << OFFSET_SHIFT | place;
            }
            self.keys[end] = AFTER_ALL;
            self.lanes.push(Lane {
                id: span.ids[lane],
                start,
                end,
                shift: span.shifts[lane]
                    .wrapping_add(span.starts[lane])
                    .wrapping_sub(start as i32),
            });
            start = end + 2;
        }
    }

    fn merge_by<const DEPTH: u32>(&self, base: i64, Ordered { runs, rows, times }: Ordered) {
        let mut origins = [(0, 0); MAX_LANES];
        for (origin, lane) in origins.iter_mut().zip(&self.lanes) {
            *origin = (lane.id, lane.shift);
        }
        let mut trees = Trees {
            front: Tree::new::<DEPTH, false>(self),
            back: Tree::new::<DEPTH, true>(self),
            origins,
        };
        let half = runs.len() / 2;
        let rest = runs.len() - half;
        let (front_runs, back_runs) = runs.split_at_mut(half);
        let (front_rows, back_rows) = rows.split_at_mut(half);
        let (front_times, back_times) = times.split_at_mut(half);
        let fronts = front_runs.iter_mut().zip(front_rows).zip(front_times);
        let backs = back_runs.iter_mut().zip(back_rows).zip(back_times).rev();
        let mut backs = backs.map(|((run, row), time)| (run, row, time));
        if rest > half {
            if let Some((run, row, time)) = backs.next() {
                let offset;
                (*run, *row, offset) = trees.back.step::<DEPTH, true>(&self.keys, &trees.origins);
                *time = base.wrapping_add(offset);
            }
        }
        for (((front_run, front_row), front_time), (back_run, back_row, back_time)) in fronts.zip(backs) {
            let (front, back);
            (*front_run, *front_row, front) = trees.front.step::<DEPTH, false>(&self.keys, &trees.origins);
            (*back_run, *back_row, back) = trees.back.step::<DEPTH, true>(&self.keys, &trees.origins);
            *front_time = base.wrapping_add(front);
            *back_time = base.wrapping_add(back);
        }
    }
}

/// In one piece, so that one register leads to all of it.
struct Trees {
    front: Tree,
    back: Tree,
    origins: [(i32, i32); MAX_LANES],
}

/// Tables have a fixed size and lanes are masked: no access needs a check.
struct Tree {
    /// Keys of the losers; node 1 is the root, the children of node n are 2n and 2n + 1, leaves are not stored.
    losers: [u64; MAX_LANES],
    winner: u64,
}

/// The key that wins, and the one that loses: going on, the smaller wins.
#[inline(always)]
fn play<const BACK: bool>(a: u64, b: u64) -> (u64, u64) {
    if BACK {
        (a.max(b), a.min(b))
    } else {
        (a.min(b), a.max(b))
    }
}

impl Tree {
    fn new<const DEPTH: u32, const BACK: bool>(lanes: &Lanes) -> Self {
        let nobody = if BACK { BEFORE_ALL } else { AFTER_ALL };
        let mut tree = Tree {
            losers: [nobody; MAX_LANES],
            winner: 0,
        };
        // Winners of the subtrees, leaves in the upper half.
        let mut winners = [nobody; 2 * MAX_LANES];
        let leaves = 1 << DEPTH;
        for (lane, &Lane { start, end, .. }) in lanes.lanes.iter().enumerate() {
            let at = if BACK { end - 1 } else { start };
            winners[leaves + lane] = lanes.keys[at];
        }
        for node in (1..leaves).rev() {
            (winners[node], tree.losers[node]) = play::<BACK>(winners[2 * node], winners[2 * node + 1]);
        }
        tree.winner = winners[1];
        tree
    }

    /// Gives out the winner as (id, row, offset of its time) and lets the next of its lane compete.
    #[inline(always)]
    fn step<const DEPTH: u32, const BACK: bool>(
        &mut self,
        keys: &[u64],
        origins: &[(i32, i32); MAX_LANES],
    ) -> (i32, i32, i64) {
        let offset = (self.winner >> OFFSET_SHIFT) as i64;
        let place = (self.winner & PLACE) as usize;
        let lane = (self.winner >> LANE_SHIFT & LANE) as usize;
        let next = if BACK { place - 1 } else { place + 1 };
        // SAFETY: a lane's keys lie between two sentinels. One that has won is between them, so its neighbours are
        // there; a sentinel does not win before all rows are given out, and no more steps are made than there are rows.
        let mut key = unsafe { *keys.get_unchecked(next) };
        let mut node = lane | 1 << DEPTH;
        for _ in 0..DEPTH {
            node >>= 1;
            let loser = &mut self.losers[node & LANE as usize];
            (key, *loser) = play::<BACK>(key, *loser);
        }
        self.winner = key;
        let (id, shift) = origins[lane];
        (id, shift.wrapping_add(place as i32), offset)
    }
}
