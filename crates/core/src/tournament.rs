//! Merging few runs by loser trees (Knuth, The Art of Computer Programming, volume 3, 5.4.1).
//!
//! A key is a time's offset from the window's base with the run's lane in its low bits, so that keys are never equal
//! and the winner tells its run. Two trees work in lockstep, one from the first row on, the other from the last row
//! back, each for half of the rows: a step of one fills the stalls of the other.

/// Runs that a tree takes at most.
pub const MAX_LANES: usize = 256;
const LANE_BITS: u32 = 8;
const LANE: u64 = MAX_LANES as u64 - 1;

/// The rows of a window, lane by lane: each lane's keys between one that loses to all going back and one that loses to
/// all going on. So a tree that runs past the end of a lane needs no check.
#[derive(Default)]
pub struct Lanes {
    keys: Vec<u64>,
    /// How many of them are in use.
    length: usize,
    lanes: Vec<Lane>,
}

/// A run's part of a window.
struct Lane {
    id: i32,
    /// Where its keys start and end.
    start: usize,
    end: usize,
    /// From a place in the keys to the caller's row.
    shift: i32,
}

const BEFORE_ALL: u64 = 0;
const AFTER_ALL: u64 = u64::MAX;

impl Lanes {
    pub fn clear(&mut self) {
        self.length = 0;
        self.lanes.clear();
    }

    /// Takes the rows at the start of `times` that are at or before `bound`, `first_row` being the caller's number of the
    /// first of them; returns how many. `base` is not after any, and less than `2^55` ns before any.
    pub fn gather(&mut self, base: i64, bound: i64, id: i32, first_row: i32, times: &[i64]) -> usize {
        let lane = self.lanes.len() as u64;
        let start = self.length + 1;
        if self.keys.len() < start + times.len() + 1 {
            self.keys.resize(2 * (start + times.len() + 1), 0);
        }
        self.keys[start - 1] = BEFORE_ALL;
        // One more than the offset, so that no key is `BEFORE_ALL`.
        let base = base.wrapping_sub(1);
        // In order of memory, and once: the trees jump about in what is in the cache then.
        let mut count = 0;
        for (key, &time) in self.keys[start..].iter_mut().zip(times) {
            if time > bound {
                break;
            }
            *key = (time.wrapping_sub(base) as u64) << LANE_BITS | lane;
            count += 1;
        }
        self.keys[start + count] = AFTER_ALL;
        self.length = start + count + 1;
        self.lanes.push(Lane {
            id,
            start,
            end: start + count,
            shift: first_row.wrapping_sub(start as i32),
        });
        count
    }

    /// Orders all rows into `runs` (ids) and `rows`, which have just the room.
    pub fn merge(&self, runs: &mut [i32], rows: &mut [i32]) {
        match self.lanes.len() {
            0..=4 => self.merge_by::<2>(runs, rows),
            5..=16 => self.merge_by::<4>(runs, rows),
            17..=32 => self.merge_by::<5>(runs, rows),
            33..=64 => self.merge_by::<6>(runs, rows),
            65..=128 => self.merge_by::<7>(runs, rows),
            _ => self.merge_by::<8>(runs, rows),
        }
    }

    fn merge_by<const DEPTH: u32>(&self, runs: &mut [i32], rows: &mut [i32]) {
        let mut origins = [(0, 0); MAX_LANES];
        for (origin, lane) in origins.iter_mut().zip(&self.lanes) {
            *origin = (lane.id, lane.shift);
        }
        let mut trees = Trees {
            front: Tree::new::<DEPTH, false>(self),
            back: Tree::new::<DEPTH, true>(self),
            origins,
        };
        let (front_runs, rest_runs) = runs.split_at_mut(runs.len() / 2);
        let (front_rows, rest_rows) = rows.split_at_mut(rows.len() / 2);
        let is_odd = rest_runs.len() > front_runs.len();
        let (middle_runs, back_runs) = rest_runs.split_at_mut(is_odd.into());
        let (middle_rows, back_rows) = rest_rows.split_at_mut(is_odd.into());
        let fronts = front_runs.iter_mut().zip(front_rows);
        let backs = back_runs.iter_mut().zip(back_rows).rev();
        for ((front_run, front_row), (back_run, back_row)) in fronts.zip(backs) {
            (*front_run, *front_row) = trees.front.step::<DEPTH, false>(&self.keys, &trees.origins);
            (*back_run, *back_row) = trees.back.step::<DEPTH, true>(&self.keys, &trees.origins);
        }
        for (run, row) in middle_runs.iter_mut().zip(middle_rows) {
            (*run, *row) = trees.front.step::<DEPTH, false>(&self.keys, &trees.origins);
        }
    }
}

/// In one piece, so that one register leads to all of it.
struct Trees {
    front: Tree,
    back: Tree,
    origins: [(i32, i32); MAX_LANES],
}

/// A tree and its place in every lane. Tables have a fixed size and lanes are masked: no access needs a check.
struct Tree {
    /// Keys of the losers; node 1 is the root, the children of node n are 2n and 2n + 1, leaves are not stored.
    losers: [u64; MAX_LANES],
    /// By lane: place in the keys of the one that is in the tree.
    at: [u32; MAX_LANES],
    winner: u64,
}

/// The key that wins, and the one that loses: going on, the smaller wins.
#[inline(always)]
fn play<const BACK: bool>(a: u64, b: u64) -> (u64, u64) {
    if (a < b) != BACK {
        (a, b)
    } else {
        (b, a)
    }
}

impl Tree {
    fn new<const DEPTH: u32, const BACK: bool>(lanes: &Lanes) -> Self {
        let nobody = if BACK { BEFORE_ALL } else { AFTER_ALL };
        let mut tree = Tree {
            losers: [nobody; MAX_LANES],
            at: [0; MAX_LANES],
            winner: 0,
        };
        // Winners of the subtrees, leaves in the upper half.
        let mut winners = [nobody; 2 * MAX_LANES];
        let leaves = 1 << DEPTH;
        for (lane, &Lane { start, end, .. }) in lanes.lanes.iter().enumerate() {
            let at = if BACK { end - 1 } else { start };
            tree.at[lane] = at as u32;
            winners[leaves + lane] = lanes.keys[at];
        }
        for node in (1..leaves).rev() {
            (winners[node], tree.losers[node]) = play::<BACK>(winners[2 * node], winners[2 * node + 1]);
        }
        tree.winner = winners[1];
        tree
    }

    /// Gives out the winner as (id, row) and lets the next of its lane compete.
    #[inline(always)]
    fn step<const DEPTH: u32, const BACK: bool>(
        &mut self,
        keys: &[u64],
        origins: &[(i32, i32); MAX_LANES],
    ) -> (i32, i32) {
        let lane = (self.winner & LANE) as usize;
        let at = self.at[lane];
        let next = if BACK { at - 1 } else { at + 1 };
        self.at[lane] = next;
        // SAFETY: a lane's keys lie between two sentinels. One that has won is between them, so its neighbours are
        // there; a sentinel does not win before all rows are given out, and no more steps are made than there are rows.
        let mut key = unsafe { *keys.get_unchecked(next as usize) };
        let mut node = lane | 1 << DEPTH;
        for _ in 0..DEPTH {
            node >>= 1;
            let loser = &mut self.losers[node & LANE as usize];
            (key, *loser) = play::<BACK>(key, *loser);
        }
        self.winner = key;
        let (id, shift) = origins[lane];
        (id, shift.wrapping_add(at as i32))
    }
}
