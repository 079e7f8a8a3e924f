//! Neighbouring fields of fixed size: a record's are checked as one block, and copied column by column for many records.

use super::column::{append, append_reversed, Column};

/// Blocks are gathered when so many wait, while what they lie in is still in the processor's cache.
const MOST_WAITING: usize = 256;

/// Where the values of one column lie in a block.
struct Part {
    column: usize,
    /// Bytes before them.
    offset: usize,
    /// Bytes of each.
    width: usize,
    count: usize,
    are_bools: bool,
}

/// Neighbouring fields.
struct Block {
    parts: Vec<Part>,
    bytes: usize,
    /// Where those begin that wait to be gathered. All of each is there.
    starts: Vec<u32>,
}

/// The blocks of a plan, and those of records that wait to be copied into the columns.
#[derive(Default)]
pub struct Blocks {
    all: Vec<Block>,
    waiting: usize,
    are_big: bool,
}

/// A block as it is compiled.
pub struct NewBlock {
    block: Block,
    /// What it is aligned to.
    pub alignment: usize,
    /// What no column takes: where, how many bytes, which of their bits.
    pub lost: Vec<(usize, usize, u8)>,
}

/// Bits of a boolean that no column takes.
pub const NO_BOOL: u8 = !1;

impl NewBlock {
    /// Of values whose width is `alignment`.
    pub fn new(alignment: usize) -> Self {
        let (parts, bytes, starts) = (Vec::new(), 0, Vec::new());
        Self {
            block: Block { parts, bytes, starts },
            alignment,
            lost: Vec::new(),
        }
    }

    pub fn bytes(&self) -> usize {
        self.block.bytes
    }

    /// Whether values of a width, a power of 2, may follow: they need no padding then, whatever the encoding aligns to at most.
    pub fn takes(&self, width: usize) -> bool {
        width <= self.alignment && self.block.bytes & (width - 1) == 0
    }

    /// Appends values; of no column where they are skipped.
    pub fn push(&mut self, column: Option<usize>, width: usize, count: usize, are_bools: bool) {
        let offset = self.block.bytes;
        self.block.bytes += width * count;
        if column.is_none() || are_bools {
            let bits = if are_bools { NO_BOOL } else { u8::MAX };
            self.lost.push((offset, width * count, bits));
        }
        let part = column.map(|column| Part {
            column,
            offset,
            width,
            count,
            are_bools,
        });
        self.block.parts.extend(part);
    }
}

impl Blocks {
    /// Adds a block; its number.
    pub fn add(&mut self, NewBlock { block, .. }: NewBlock) -> usize {
        self.all.push(block);
        self.all.len() - 1
    }

    /// Notes where a block lies, all of which is there.
    #[inline]
    pub fn note(&mut self, block: usize, start: usize) {
        self.all[block].starts.push(start as u32);
        self.waiting += 1;
    }

    /// To be called before a record: all that wait are of records of one order of bytes.
    #[inline]
    pub fn begin(&mut self, columns: &mut [Column], chunk: &[u8], are_big: bool) {
        if self.waiting >= MOST_WAITING || self.are_big != are_big {
            self.gather(columns, chunk);
            self.are_big = are_big;
        }
    }

    /// Copies what waits into the columns.
    pub fn gather(&mut self, columns: &mut [Column], chunk: &[u8]) {
        if self.waiting == 0 {
            return;
        }
        for Block {
            parts,
            bytes: size,
            starts,
        } in &mut self.all
        {
            let fits = |&start: &u32| start as usize + *size <= chunk.len();
            assert!(starts.iter().all(fits), "a block is outside of the chunk");
            for part in parts {
                if self.are_big {
                    part.gather::<true>(&mut columns[part.column], chunk, starts);
                } else {
                    part.gather::<false>(&mut columns[part.column], chunk, starts);
                }
            }
            starts.clear();
        }
        self.waiting = 0;
    }
}

impl Part {
    fn gather<const BIG: bool>(&self, column: &mut Column, chunk: &[u8], starts: &[u32]) {
        if self.are_bools {
            for &start in starts {
                let from = start as usize + self.offset;
                for &byte in &chunk[from..from + self.count] {
                    column.push_bool(byte != 0);
                }
            }
            return;
        }
        let data = &mut column.data;
        data.reserve(starts.len() * self.width * self.count);
        match (self.width, self.count, BIG) {
            (8, 1, _) => self.values::<BIG, 8>(data, chunk, starts),
            (4, 1, _) => self.values::<BIG, 4>(data, chunk, starts),
            (2, 1, _) => self.values::<BIG, 2>(data, chunk, starts),
            (8, _, true) => self.arrays::<8>(data, chunk, starts),
            (4, _, true) => self.arrays::<4>(data, chunk, starts),
            (2, _, true) => self.arrays::<2>(data, chunk, starts),
            (8, 2..=32, false) => self.words(data, chunk, starts),
            _ => {
                let length = self.width * self.count;
                for &start in starts {
                    append(data, &chunk[start as usize + self.offset..][..length]);
                }
            }
        }
    }

    /// One value of each block.
    #[inline(always)]
    fn values<const BIG: bool, const WIDTH: usize>(&self, data: &mut Vec<u8>, chunk: &[u8], starts: &[u32]) {
        let (length, from) = (data.len(), chunk.as_ptr());
        // SAFETY: `gather` has seen that all bytes of each block lie in `chunk`, and made room for a value of each, which are all
        // written.
        unsafe {
            let mut to = data.as_mut_ptr().add(length).cast::<[u8; WIDTH]>();
            for &start in starts {
                let mut value = from
                    .add(start as usize + self.offset)
                    .cast::<[u8; WIDTH]>()
                    .read();
                if BIG {
                    value.reverse();
                }
                to.write(value);
                to = to.add(1);
            }
            data.set_len(length + WIDTH * starts.len());
        }
    }

    /// Several values of 8 bytes of each block, in the order of bytes that columns have.
    fn words(&self, data: &mut Vec<u8>, chunk: &[u8], starts: &[u32]) {
        let (length, from) = (data.len(), chunk.as_ptr());
        // SAFETY: as in `values`, of `count` values of each block.
        unsafe {
            let mut to = data.as_mut_ptr().add(length).cast::<[u8; 8]>();
            for &start in starts {
                let mut value = from.add(start as usize + self.offset).cast::<[u8; 8]>();
                for _ in 0..self.count {
                    to.write(value.read());
                    to = to.add(1);
                    value = value.add(1);
                }
            }
            data.set_len(length + 8 * self.count * starts.len());
        }
    }

    /// Several values of each block, big endian.
    fn arrays<const WIDTH: usize>(&self, data: &mut Vec<u8>, chunk: &[u8], starts: &[u32]) {
        for &start in starts {
            let values = &chunk[start as usize + self.offset..][..WIDTH * self.count];
            for value in values.chunks_exact(WIDTH) {
                append_reversed::<WIDTH>(data, value);
            }
        }
    }
}
