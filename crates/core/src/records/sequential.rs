//! Encodings whose fields follow one another: CDR, ROS 1, ULog.
//!
//! Sources: OMG DDSI-RTPS 2.5, section 10 (encapsulation); OMG DDS-XTypes 1.3, section 7.4 (XCDR versions 1 and 2);
//! http://wiki.ros.org/msg (ROS 1); https://docs.px4.io/main/en/dev_log/ulog_file_format (ULog).

use super::blocks::{Blocks, NewBlock, NO_BOOL};
use super::column::{append, append_reversed, first, word, Column};
use super::{Outcome, Status};
use core::ops::Range;

/// Words of a step: what it does, and three arguments.
const STEP: usize = 4;

/// What a writer may align the end of a CDR record to, in bytes.
const END_ALIGNMENT: usize = 4;

/// The encapsulation that ROS 2 writes: XCDR version 1, little endian, no options.
const USUAL_HEADER: [u8; 4] = [0, 1, 0, 0];

struct Cursor<'a> {
    /// As far as the record's end: others may lie before it.
    bytes: &'a [u8],
    /// With what follows the record.
    chunk: &'a [u8],
    at: usize,
    /// What alignment counts from.
    origin: usize,
    max_alignment: usize,
    /// Whether collections of what is not primitive have their size in bytes in front: XCDR version 2.
    is_delimited: bool,
    /// Whether every text so far was UTF-8.
    is_text: bool,
    /// Bits so far that no column takes, and that are zero where a record is as usual.
    lost: u64,
}

impl<'a> Cursor<'a> {
    #[inline]
    fn align(&mut self, width: usize) {
        let mask = width.min(self.max_alignment) - 1;
        let padding = self.at.wrapping_sub(self.origin).wrapping_neg() & mask;
        if padding > 0 {
            self.pad(padding);
        }
    }

    /// Passes over padding of less than a word. What of it lies behind the record does not count: the record is too short then.
    #[inline]
    fn pad(&mut self, bytes: usize) {
        self.lost |= match self.chunk.get(self.at..self.at + 8) {
            Some(padding) => word(padding) & first(bytes),
            None => lost(self.chunk.get(self.at..self.at + bytes).unwrap_or(&[]), u8::MAX),
        };
        self.at += bytes;
    }

    #[inline]
    fn take(&mut self, bytes: usize) -> Outcome<&'a [u8]> {
        let end = self.at.checked_add(bytes).ok_or(Status::Short)?;
        let taken = self.bytes.get(self.at..end).ok_or(Status::Short)?;
        self.at = end;
        Ok(taken)
    }

    #[inline]
    fn count<const BIG: bool>(&mut self) -> Outcome<usize> {
        self.align(4);
        let bytes: [u8; 4] = self.take(4)?.try_into().unwrap_or_default();
        Ok(if BIG {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        } as usize)
    }

    /// Of a record that was read to its end.
    fn status(&self, is_whole: bool) -> Status {
        if !self.is_text {
            Status::Text
        } else if is_whole && self.lost != 0 {
            Status::Unusual
        } else {
            Status::Fits
        }
    }

    /// Bytes that are left.
    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }
}

/// What is done for a record, one after another.
enum Op {
    /// Fields of fixed size: number of the block, what it is aligned to, its bytes.
    Block(usize, usize, usize),
    /// Text: column, whether its length counts a NUL at the end.
    Text(usize, bool),
    /// Bytes, as many as a length in front says: column.
    Bytes(usize),
    /// Bytes: column, how many.
    FixedBytes(usize, usize),
    /// Text in so many bytes, up to the first NUL: column, how many.
    FixedText(usize, usize),
    /// List of values: column, bytes of each.
    List(usize, usize),
    /// List of booleans: column.
    BoolList(usize),
    /// List of what the next operations read: column, how many operations, bytes of an item at least.
    Sequence(usize, usize, usize),
    /// So many times what the next operations read: how many times, how many operations.
    Repeat(usize, usize),
    /// A struct without fields: column.
    Unit(usize),
    /// Looks at bytes that were passed over: how many before the place reached, how many, the bits that no column takes.
    Look(usize, usize, u8),
}

/// The bits of bytes that are in a mask, in one byte.
#[inline]
fn lost(bytes: &[u8], mask: u8) -> u64 {
    u64::from(bytes.iter().fold(0, |all, byte| all | byte) & mask)
}

/// The code of a plan, compiled, and the fields of records that wait to be copied into the columns.
pub struct Program {
    ops: Vec<Op>,
    blocks: Blocks,
    /// Whether all of a record counts: after a prefix anything may follow, and what no column takes is nothing.
    is_whole: bool,
}

impl Program {
    pub fn new(code: &[i32], is_whole: bool) -> Self {
        let (ops, blocks) = (Vec::new(), Blocks::default());
        let mut program = Self {
            ops,
            blocks,
            is_whole,
        };
        program.compile(code);
        program
    }

    /// Appends what steps do; how many operations that makes.
    fn compile(&mut self, code: &[i32]) -> usize {
        let first = self.ops.len();
        let mut block = None;
        let mut pc = 0;
        while pc < code.len() {
            let step = &code[pc..pc + STEP];
            let (a, b, c) = (step[1] as usize, step[2] as usize, step[3] as usize);
            pc += STEP;
            match step[0] {
                // Values: column, bytes of each, how many.
                0 => self.extend(&mut block, b).push(Some(a), b, c, false),
                // Booleans: column, how many.
                7 => self.extend(&mut block, 1).push(Some(a), 1, b, true),
                // What no column takes: bytes of each, how many.
                9 => self.extend(&mut block, a).push(None, a, b, false),
                // Values of as many columns, one each: first column, bytes of each, how many.
                12 => {
                    let block = self.extend(&mut block, b);
                    (a..a + c).for_each(|column| block.push(Some(column), b, 1, false));
                }
                kind => {
                    self.end(&mut block);
                    let at = self.ops.len();
                    self.ops.push(match kind {
                        1 => Op::Text(a, b == 1),
                        2 => Op::Bytes(a),
                        3 => Op::FixedBytes(a, b),
                        4 => Op::List(a, b),
                        5 => Op::Sequence(a, 0, c),
                        6 => Op::Repeat(a, 0),
                        8 => Op::BoolList(a),
                        10 => Op::FixedText(a, b),
                        _ => Op::Unit(a),
                    });
                    if kind == 5 || kind == 6 {
                        let made = self.compile(&code[pc..pc + STEP * b]);
                        pc += STEP * b;
                        if let Op::Sequence(_, body, _) | Op::Repeat(_, body) = &mut self.ops[at] {
                            *body = made;
                        }
                    }
                }
            }
        }
        self.end(&mut block);
        self.ops.len() - first
    }

    /// The block that values of a width are appended to: the last, or where they would need padding a new one.
    fn extend<'a>(&mut self, block: &'a mut Option<NewBlock>, width: usize) -> &'a mut NewBlock {
        if !block.as_ref().is_some_and(|block| block.takes(width)) {
            self.end(block);
        }
        block.get_or_insert_with(|| NewBlock::new(width))
    }

    fn end(&mut self, block: &mut Option<NewBlock>) {
        if let Some(block) = block.take() {
            let (alignment, bytes) = (block.alignment, block.bytes());
            let lost = if self.is_whole {
                block.lost.clone()
            } else {
                Vec::new()
            };
            let number = self.blocks.add(block);
            self.ops.push(Op::Block(number, alignment, bytes));
            let looks = lost
                .into_iter()
                .map(|(offset, count, mask)| Op::Look(bytes - offset, count, mask));
            self.ops.extend(looks);
        }
    }

    /// Copies into the columns what waits of records of a chunk.
    pub fn gather(&mut self, columns: &mut [Column], chunk: &[u8]) {
        self.blocks.gather(columns, chunk);
    }

    /// Decodes a CDR record of a chunk; what its bytes are like.
    pub fn cdr(&mut self, columns: &mut [Column], chunk: &[u8], record: Range<usize>) -> Outcome<Status> {
        let header = chunk[record.clone()].get(..4).ok_or(Status::Short)?;
        let (is_big, version) = match [header[0], header[1]] {
            [0, 0] => (true, 1),
            [0, 1] => (false, 1),
            [0, 6] => (true, 2),
            [0, 7] => (false, 2),
            _ => return Err(Status::Encoding),
        };
        self.blocks.begin(columns, chunk, is_big);
        let start = record.start + 4;
        let mut cursor = Cursor {
            bytes: &chunk[..record.end],
            chunk,
            at: start,
            origin: start,
            max_alignment: if version == 1 { 8 } else { 4 },
            is_delimited: version == 2,
            is_text: true,
            lost: u64::from(header != USUAL_HEADER),
        };
        if is_big {
            run::<true>(&self.ops, 1, &mut self.blocks, columns, &mut cursor)?;
        } else {
            run::<false>(&self.ops, 1, &mut self.blocks, columns, &mut cursor)?;
        }
        let left = cursor.left();
        if left >= END_ALIGNMENT {
            return Err(Status::Long);
        }
        let is_padded = left > 0 && record.len().is_multiple_of(END_ALIGNMENT);
        cursor.lost |= if is_padded {
            lost(&cursor.bytes[cursor.at..], u8::MAX)
        } else {
            left as u64
        };
        Ok(match cursor.status(self.is_whole) {
            Status::Fits if is_padded => Status::Padded,
            status => status,
        })
    }

    /// Decodes a record of a chunk, of little-endian fields without padding; what its bytes are like.
    pub fn packed(&mut self, columns: &mut [Column], chunk: &[u8], record: Range<usize>) -> Outcome<Status> {
        self.blocks.begin(columns, chunk, false);
        let mut cursor = Cursor {
            bytes: &chunk[..record.end],
            chunk,
            at: record.start,
            origin: record.start,
            max_alignment: 1,
            is_delimited: false,
            is_text: true,
            lost: 0,
        };
        run::<false>(&self.ops, 1, &mut self.blocks, columns, &mut cursor)?;
        if cursor.left() > 0 && self.is_whole {
            return Err(Status::Long);
        }
        Ok(cursor.status(self.is_whole))
    }
}

/// Does so many times what the operations say.
fn run<const BIG: bool>(
    ops: &[Op],
    times: usize,
    blocks: &mut Blocks,
    columns: &mut [Column],
    cursor: &mut Cursor,
) -> Outcome<()> {
    for _ in 0..times {
        let mut pc = 0;
        while pc < ops.len() {
            pc += 1;
            match ops[pc - 1] {
                Op::Block(block, alignment, bytes) => {
                    cursor.align(alignment);
                    let start = cursor.at;
                    cursor.take(bytes)?;
                    blocks.note(block, start);
                }
                Op::Text(column, counts_nul) => {
                    let count = cursor.count::<BIG>()?;
                    let start = cursor.at;
                    let text = cursor.take(count)?;
                    let has_nul = counts_nul && text.last() == Some(&0);
                    let length = count - usize::from(has_nul);
                    cursor.lost |= u64::from(counts_nul && !has_nul);
                    cursor.is_text &= columns[column].push_text_of(cursor.chunk, start, length)?;
                }
                Op::Bytes(column) => {
                    let count = cursor.count::<BIG>()?;
                    push_bytes(&mut columns[column], cursor.take(count)?)?;
                }
                Op::FixedBytes(column, count) => push_bytes(&mut columns[column], cursor.take(count)?)?,
                Op::FixedText(column, count) => {
                    let bytes = cursor.take(count)?;
                    let text = bytes.split(|&byte| byte == 0).next().unwrap_or(bytes);
                    cursor.is_text &= columns[column].push_text(text)?;
                }
                Op::List(column, width) => {
                    let count = cursor.count::<BIG>()?;
                    if count > 0 {
                        cursor.align(width);
                        let bytes = count.checked_mul(width).ok_or(Status::Short)?;
                        push_values::<BIG>(&mut columns[column + 1].data, cursor.take(bytes)?, width);
                    }
                    columns[column].close_after(count)?;
                }
                Op::BoolList(column) => {
                    let count = cursor.count::<BIG>()?;
                    let bytes = cursor.take(count)?;
                    for &byte in bytes {
                        columns[column + 1].push_bool(byte != 0);
                    }
                    cursor.lost |= lost(bytes, NO_BOOL);
                    columns[column].close_after(count)?;
                }
                Op::Sequence(column, body, least) => {
                    if cursor.is_delimited {
                        cursor.count::<BIG>()?;
                    }
                    let count = cursor.count::<BIG>()?;
                    if count > cursor.left() / least.max(1) {
                        return Err(Status::Short);
                    }
                    run::<BIG>(&ops[pc..pc + body], count, blocks, columns, cursor)?;
                    pc += body;
                    columns[column].close_after(count)?;
                }
                Op::Repeat(times, body) => {
                    if cursor.is_delimited {
                        cursor.count::<BIG>()?;
                    }
                    run::<BIG>(&ops[pc..pc + body], times, blocks, columns, cursor)?;
                    pc += body;
                }
                Op::Unit(column) => columns[column].push_unit(),
                Op::Look(before, count, mask) => {
                    let start = cursor.at - before;
                    cursor.lost |= lost(&cursor.bytes[start..start + count], mask);
                }
            }
        }
    }
    Ok(())
}

fn push_bytes(column: &mut Column, bytes: &[u8]) -> Outcome<()> {
    append(&mut column.data, bytes);
    column.close_bytes()
}

#[inline]
fn push_values<const BIG: bool>(data: &mut Vec<u8>, bytes: &[u8], width: usize) {
    match width {
        8 => push_words::<BIG, 8>(data, bytes),
        4 => push_words::<BIG, 4>(data, bytes),
        2 => push_words::<BIG, 2>(data, bytes),
        _ => append(data, bytes),
    }
}

/// Values of so many bytes each.
#[inline]
fn push_words<const BIG: bool, const WIDTH: usize>(data: &mut Vec<u8>, bytes: &[u8]) {
    if !BIG {
        return append(data, bytes);
    }
    data.reserve(bytes.len());
    for value in bytes.chunks_exact(WIDTH) {
        append_reversed::<WIDTH>(data, value);
    }
}
