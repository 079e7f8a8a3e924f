//! Columns as they grow: the buffers of Arrow's columnar format.

use super::{Outcome, Status};

/// Memory of a buffer up to this size is kept for the next rows.
const KEPT_BYTES: usize = 1 << 20;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Values of so many bytes.
    Fixed,
    Bool,
    /// Text or bytes, with offsets of 32 bits.
    Bytes,
    List,
    Struct,
    /// Lists of so many items.
    FixedList,
}

pub struct Column {
    pub kind: Kind,
    /// Bytes of a value, items of a list.
    argument: usize,
    /// Where the columns that are no descendants go on.
    pub next: usize,
    pub data: Vec<u8>,
    /// Begins with 0.
    pub offsets: Vec<i32>,
    /// Of booleans, and of structs without fields.
    count: usize,
    /// Bits, as far as the last null; all that follow are no nulls.
    validity: Vec<u8>,
    known: usize,
    nulls: usize,
}

/// The columns that a plan's words describe.
pub fn all(words: &[i32]) -> Option<Vec<Column>> {
    let columns = words.chunks_exact(3).enumerate();
    columns
        .map(|(at, words)| {
            let kind = match words[0] {
                0 => Kind::Fixed,
                1 => Kind::Bool,
                2 => Kind::Bytes,
                3 => Kind::List,
                4 => Kind::Struct,
                5 => Kind::FixedList,
                _ => return None,
            };
            Some(Column {
                kind,
                argument: words[1] as usize,
                next: at + 1 + words[2] as usize,
                data: Vec::new(),
                offsets: vec![0],
                count: 0,
                validity: Vec::new(),
                known: 0,
                nulls: 0,
            })
        })
        .collect()
}

impl Column {
    pub fn bytes(&self) -> usize {
        self.data.len() + 4 * self.offsets.len()
    }

    pub fn clear(&mut self) {
        self.data.clear();
        self.data.shrink_to(KEPT_BYTES);
        self.offsets.truncate(1);
        self.offsets.shrink_to(KEPT_BYTES / 4);
        self.validity.clear();
        (self.count, self.known, self.nulls) = (0, 0, 0);
    }

    /// Appends a boolean.
    pub fn push_bool(&mut self, value: bool) {
        if self.count & 7 == 0 {
            self.data.push(0);
        }
        if value {
            self.data[self.count >> 3] |= 1 << (self.count & 7);
        }
        self.count += 1;
    }

    /// Counts a struct without fields.
    pub fn push_unit(&mut self) {
        self.count += 1;
    }

    /// Ends a value of bytes whose last ones are in `data`.
    pub fn close_bytes(&mut self) -> Outcome<()> {
        self.close(self.data.len())
    }

    /// Ends a list whose items' column has so many values by now.
    #[inline]
    pub fn close(&mut self, end: usize) -> Outcome<()> {
        self.offsets.push(i32::try_from(end).map_err(|_| Status::Large)?);
        Ok(())
    }

    /// Ends a list of so many more items.
    #[inline]
    pub fn close_after(&mut self, count: usize) -> Outcome<()> {
        self.close(self.last_offset() as usize + count)
    }

    /// Appends text; whether it is UTF-8. What is not is replaced.
    pub fn push_text(&mut self, bytes: &[u8]) -> Outcome<bool> {
        let valid = is_ascii(bytes) || core::str::from_utf8(bytes).is_ok();
        if valid {
            append(&mut self.data, bytes);
        } else {
            self.data
                .extend_from_slice(String::from_utf8_lossy(bytes).as_bytes());
        }
        self.close_bytes()?;
        Ok(valid)
    }

    /// As [`Self::push_text`], of so many bytes at a place. Short ones are copied with what follows them, which costs less than to
    /// go by their length.
    #[inline(always)]
    pub fn push_text_of(&mut self, bytes: &[u8], start: usize, length: usize) -> Outcome<bool> {
        let words = bytes.get(start..start + SHORT).filter(|_| length <= SHORT);
        let Some(words) = words.and_then(|words| <[u8; SHORT]>::try_from(words).ok()) else {
            return self.push_text(&bytes[start..start + length]);
        };
        let [low, high] = [0, 8].map(|at| word(&words[at..at + 8]));
        if (low & first(length) | high & first(length.saturating_sub(8))) & HIGH_BITS != 0 {
            return self.push_text(&bytes[start..start + length]);
        }
        self.data.reserve(SHORT);
        let end = self.data.len() + length;
        // SAFETY: `reserve` made room for more bytes than `length`, which are all written.
        unsafe {
            let to = self.data.as_mut_ptr().add(self.data.len());
            to.cast::<[u8; SHORT]>().write(words);
            self.data.set_len(end);
        }
        self.close(end)?;
        Ok(true)
    }

    fn last_offset(&self) -> i32 {
        self.offsets[self.offsets.len() - 1]
    }

    fn mark_null(&mut self, at: usize) {
        self.validity.resize(at / 8 + 1, 0);
        for valid in self.known..at {
            self.validity[valid >> 3] |= 1 << (valid & 7);
        }
        self.known = at + 1;
        self.nulls += 1;
    }

    fn truncate_validity(&mut self, length: usize) {
        while self.known > length {
            self.known -= 1;
            let bit = 1 << (self.known & 7);
            if self.validity[self.known >> 3] & bit == 0 {
                self.nulls -= 1;
            }
            self.validity[self.known >> 3] &= !bit;
        }
    }
}

/// Bytes of a short text, and the bits of them that ASCII has not.
const SHORT: usize = 16;
const HIGH_BITS: u64 = u64::from_le_bytes([128; 8]);

/// Bytes up to so many are copied by plain instructions: a call that copies memory costs more.
const SMALL: usize = 256;

/// Appends bytes.
#[inline]
pub fn append(data: &mut Vec<u8>, bytes: &[u8]) {
    let length = bytes.len();
    if length > SMALL {
        return data.extend_from_slice(bytes);
    }
    data.reserve(length);
    let (from, start) = (bytes.as_ptr(), data.len());
    // SAFETY: `reserve` made room for `length` bytes at `start`, and `bytes` has as many, elsewhere. All of them are written:
    // whole words, then the last word, which may overlap with the one before; of fewer bytes than a word each by itself.
    unsafe {
        let to = data.as_mut_ptr().add(start);
        if length >= 8 {
            let mut at = 0;
            while at + 16 <= length {
                copy::<16>(from.add(at), to.add(at));
                at += 16;
            }
            if at + 8 <= length {
                copy::<8>(from.add(at), to.add(at));
            }
            copy::<8>(from.add(length - 8), to.add(length - 8));
        } else if length >= 4 {
            copy::<4>(from, to);
            copy::<4>(from.add(length - 4), to.add(length - 4));
        } else {
            for at in 0..length {
                copy::<1>(from.add(at), to.add(at));
            }
        }
        data.set_len(start + length);
    }
}

/// # Safety
///
/// There are `COUNT` bytes to be read at `from` and to be written at `to`.
#[inline(always)]
unsafe fn copy<const COUNT: usize>(from: *const u8, to: *mut u8) {
    to.cast::<[u8; COUNT]>().write(from.cast::<[u8; COUNT]>().read());
}

/// Appends one value.
#[inline(always)]
pub fn append_value<const WIDTH: usize>(data: &mut Vec<u8>, value: [u8; WIDTH]) {
    data.reserve(WIDTH);
    let start = data.len();
    // SAFETY: `reserve` made room for `WIDTH` bytes at `start`, which are all written.
    unsafe {
        data.as_mut_ptr().add(start).cast::<[u8; WIDTH]>().write(value);
        data.set_len(start + WIDTH);
    }
}

/// Appends one value, its bytes in the other order.
#[inline(always)]
pub fn append_reversed<const WIDTH: usize>(data: &mut Vec<u8>, value: &[u8]) {
    let mut value: [u8; WIDTH] = value.try_into().unwrap_or([0; WIDTH]);
    value.reverse();
    append_value::<WIDTH>(data, value);
}

/// Whether all bytes are ASCII; without a call where they are few.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    let words = bytes.chunks_exact(8);
    let rest = words.remainder().iter().fold(0, |all, byte| all | byte);
    let all = words.fold(0, |all, bytes| all | word(bytes));
    all & HIGH_BITS == 0 && rest < 128
}

#[inline(always)]
pub fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap_or([255; 8]))
}

/// The bits of the first bytes of a word, as many as it has at most.
#[inline(always)]
pub fn first(bytes: usize) -> u64 {
    if bytes < 8 {
        (1 << (8 * bytes)) - 1
    } else {
        u64::MAX
    }
}

/// Values in a column whose parent is between two values.
pub fn length(columns: &[Column], at: usize) -> usize {
    let column = &columns[at];
    match column.kind {
        Kind::Fixed => column.data.len() / column.argument,
        Kind::Bool => column.count,
        Kind::Bytes | Kind::List => column.offsets.len() - 1,
        Kind::Struct if column.next == at + 1 => column.count,
        Kind::Struct => length(columns, at + 1),
        Kind::FixedList => length(columns, at + 1) / column.argument,
    }
}

/// Appends a null, and what stands in its place in the columns within.
pub fn append_null(columns: &mut [Column], at: usize) {
    let length = length(columns, at);
    let column = &mut columns[at];
    column.mark_null(length);
    match column.kind {
        Kind::Fixed => column.data.resize(column.data.len() + column.argument, 0),
        Kind::Bool => column.push_bool(false),
        Kind::Bytes | Kind::List => column.offsets.push(column.last_offset()),
        Kind::FixedList => {
            for _ in 0..columns[at].argument {
                append_null(columns, at + 1);
            }
        }
        Kind::Struct => {
            let (mut child, end) = (at + 1, column.next);
            if child == end {
                column.push_unit();
            }
            while child < end {
                append_null(columns, child);
                child = columns[child].next;
            }
        }
    }
}

/// Takes back all values after the first `length`.
pub fn truncate(columns: &mut [Column], at: usize, length: usize) {
    let column = &mut columns[at];
    column.truncate_validity(length);
    match column.kind {
        Kind::Fixed => column.data.truncate(length * column.argument),
        Kind::Bool => {
            column.count = column.count.min(length);
            column.data.truncate(column.count.div_ceil(8));
            if column.count & 7 != 0 {
                column.data[column.count >> 3] &= (1 << (column.count & 7)) - 1;
            }
        }
        Kind::Bytes => {
            column.offsets.truncate(length + 1);
            column.data.truncate(column.last_offset() as usize);
        }
        Kind::List => {
            column.offsets.truncate(length + 1);
            let items = column.last_offset() as usize;
            truncate(columns, at + 1, items);
        }
        Kind::FixedList => {
            let items = length * column.argument;
            truncate(columns, at + 1, items);
        }
        Kind::Struct => {
            column.count = column.count.min(length);
            let (mut child, end) = (at + 1, column.next);
            while child < end {
                truncate(columns, child, length);
                child = columns[child].next;
            }
        }
    }
}

/// Hands over the buffers of a column of so many values, and of those within.
pub fn collect(
    columns: &mut [Column],
    at: usize,
    length: usize,
    nodes: &mut Vec<f64>,
    buffer: &mut impl FnMut(&[u8]),
) {
    let column = &mut columns[at];
    nodes.extend([length as f64, column.nulls as f64]);
    if column.nulls > 0 {
        column.validity.resize(length.div_ceil(8), 0);
        for valid in column.known..length {
            column.validity[valid >> 3] |= 1 << (valid & 7);
        }
        column.known = length;
    }
    buffer(if column.nulls > 0 { &column.validity } else { &[] });
    if matches!(column.kind, Kind::Bytes | Kind::List) {
        let (start, bytes) = (column.offsets.as_ptr().cast::<u8>(), 4 * column.offsets.len());
        // SAFETY: integers are initialised bytes, and not changed while `columns` is borrowed.
        buffer(unsafe { core::slice::from_raw_parts(start, bytes) });
    }
    match column.kind {
        Kind::Fixed | Kind::Bool | Kind::Bytes => buffer(&column.data),
        Kind::List => {
            let items = column.last_offset() as usize;
            collect(columns, at + 1, items, nodes, buffer);
        }
        Kind::FixedList => {
            let items = length * column.argument;
            collect(columns, at + 1, items, nodes, buffer);
        }
        Kind::Struct => {
            let (mut child, end) = (at + 1, column.next);
            while child < end {
                collect(columns, child, length, nodes, buffer);
                child = columns[child].next;
            }
        }
    }
}
