//! Encodings whose fields follow one another: CDR, ROS 1, ULog.
//!
//! Sources: OMG DDSI-RTPS 2.5, section 10 (encapsulation); OMG DDS-XTypes 1.3, section 7.4 (XCDR versions 1 and 2);
//! http://wiki.ros.org/msg (ROS 1); https://docs.px4.io/main/en/dev_log/ulog_file_format (ULog).

use super::column::{append, append_value, length, Column};
use super::{Outcome, Status};

/// Words of a step: what it does, and three arguments.
const STEP: usize = 4;

/// Bytes of padding that a writer may leave at the end of a CDR record.
const MAX_PADDING: usize = 3;

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What alignment counts from.
    origin: usize,
    max_alignment: usize,
    /// Whether collections of what is not primitive have their size in bytes in front: XCDR version 2.
    is_delimited: bool,
    /// Whether every text so far was UTF-8.
    is_text: bool,
}

impl<'a> Cursor<'a> {
    #[inline]
    fn align(&mut self, width: usize) {
        let mask = width.min(self.max_alignment) - 1;
        self.at += self.at.wrapping_sub(self.origin).wrapping_neg() & mask;
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
    fn status(&self) -> Status {
        if self.is_text {
            Status::Fits
        } else {
            Status::Text
        }
    }

    /// Bytes that are left.
    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }
}

/// Decodes a CDR record; whether its texts are UTF-8.
pub fn cdr(columns: &mut [Column], code: &[i32], record: &[u8]) -> Outcome<Status> {
    let header = record.get(..4).ok_or(Status::Short)?;
    let (is_big, version) = match [header[0], header[1]] {
        [0, 0] => (true, 1),
        [0, 1] => (false, 1),
        [0, 6] => (true, 2),
        [0, 7] => (false, 2),
        _ => return Err(Status::Encoding),
    };
    let mut cursor = Cursor {
        bytes: record,
        at: 4,
        origin: 4,
        max_alignment: if version == 1 { 8 } else { 4 },
        is_delimited: version == 2,
        is_text: true,
    };
    if is_big {
        run::<true>(columns, code, &mut cursor)?;
    } else {
        run::<false>(columns, code, &mut cursor)?;
    }
    if cursor.left() > MAX_PADDING {
        return Err(Status::Long);
    }
    Ok(cursor.status())
}

/// Decodes a record of little-endian fields without padding; whether its texts are UTF-8.
pub fn packed(columns: &mut [Column], code: &[i32], record: &[u8], may_go_on: bool) -> Outcome<Status> {
    let mut cursor = Cursor {
        bytes: record,
        at: 0,
        origin: 0,
        max_alignment: 1,
        is_delimited: false,
        is_text: true,
    };
    run::<false>(columns, code, &mut cursor)?;
    if cursor.left() > 0 && !may_go_on {
        return Err(Status::Long);
    }
    Ok(cursor.status())
}

fn run<const BIG: bool>(columns: &mut [Column], code: &[i32], cursor: &mut Cursor) -> Outcome<()> {
    let mut pc = 0;
    while pc < code.len() {
        let step = &code[pc..pc + STEP];
        let (a, b, c) = (step[1] as usize, step[2] as usize, step[3] as usize);
        pc += STEP;
        match step[0] {
            // Values: column, bytes of each, how many.
            0 => {
                cursor.align(b);
                push_values::<BIG>(&mut columns[a].data, cursor.take(b * c)?, b);
            }
            // Values of as many columns, one each: first column, bytes of each, how many.
            12 => {
                cursor.align(b);
                let bytes = cursor.take(b * c)?;
                let columns = &mut columns[a..a + c];
                match b {
                    8 => push_each::<BIG, 8>(columns, bytes),
                    4 => push_each::<BIG, 4>(columns, bytes),
                    2 => push_each::<BIG, 2>(columns, bytes),
                    _ => push_each::<BIG, 1>(columns, bytes),
                }
            }
            // Text: column, whether its length counts a NUL at the end.
            1 => {
                let count = cursor.count::<BIG>()?;
                let text = cursor.take(count)?;
                let text = if b == 1 {
                    text.strip_suffix(&[0]).unwrap_or(text)
                } else {
                    text
                };
                cursor.is_text &= columns[a].push_text(text)?;
            }
            // Bytes, as many as a length in front says: column.
            2 => {
                let count = cursor.count::<BIG>()?;
                push_bytes(&mut columns[a], cursor.take(count)?)?;
            }
            // Bytes: column, how many.
            3 => push_bytes(&mut columns[a], cursor.take(b)?)?,
            // List of values: column, bytes of each.
            4 => {
                let count = cursor.count::<BIG>()?;
                if count > 0 {
                    cursor.align(b);
                    let bytes = count.checked_mul(b).ok_or(Status::Short)?;
                    push_values::<BIG>(&mut columns[a + 1].data, cursor.take(bytes)?, b);
                }
                let end = columns[a + 1].data.len() / b;
                columns[a].close(end)?;
            }
            // List of what the next steps read: column, how many steps, bytes of an item at least.
            5 => {
                if cursor.is_delimited {
                    cursor.count::<BIG>()?;
                }
                let count = cursor.count::<BIG>()?;
                if count > cursor.left() / c.max(1) {
                    return Err(Status::Short);
                }
                let body = &code[pc..pc + STEP * b];
                pc += STEP * b;
                for _ in 0..count {
                    run::<BIG>(columns, body, cursor)?;
                }
                let end = length(columns, a + 1);
                columns[a].close(end)?;
            }
            // So many times what the next steps read: how many times, how many steps.
            6 => {
                if cursor.is_delimited {
                    cursor.count::<BIG>()?;
                }
                let body = &code[pc..pc + STEP * b];
                pc += STEP * b;
                for _ in 0..a {
                    run::<BIG>(columns, body, cursor)?;
                }
            }
            // Booleans: column, how many.
            7 => {
                for &byte in cursor.take(b)? {
                    columns[a].push_bool(byte != 0);
                }
            }
            // List of booleans: column.
            8 => {
                let count = cursor.count::<BIG>()?;
                for &byte in cursor.take(count)? {
                    columns[a + 1].push_bool(byte != 0);
                }
                let end = length(columns, a + 1);
                columns[a].close(end)?;
            }
            // What no column takes: bytes of each, how many.
            9 => {
                cursor.align(a);
                cursor.take(a * b)?;
            }
            // Text in so many bytes, up to the first NUL: column, how many.
            10 => {
                let bytes = cursor.take(b)?;
                let text = bytes.split(|&byte| byte == 0).next().unwrap_or(bytes);
                cursor.is_text &= columns[a].push_text(text)?;
            }
            // A struct without fields: column.
            _ => columns[a].push_unit(),
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

#[inline]
fn push_each<const BIG: bool, const WIDTH: usize>(columns: &mut [Column], bytes: &[u8]) {
    for (column, value) in columns.iter_mut().zip(bytes.chunks_exact(WIDTH)) {
        append_value::<WIDTH>(&mut column.data, ordered::<BIG, WIDTH>(value));
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
        append_value::<WIDTH>(data, ordered::<BIG, WIDTH>(value));
    }
}

/// A value in the order of bytes that columns have.
#[inline(always)]
fn ordered<const BIG: bool, const WIDTH: usize>(value: &[u8]) -> [u8; WIDTH] {
    let mut value: [u8; WIDTH] = value.try_into().unwrap_or([0; WIDTH]);
    if BIG {
        value.reverse();
    }
    value
}
