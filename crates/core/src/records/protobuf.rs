//! Protocol Buffers.
//!
//! Source: https://protobuf.dev/programming-guides/encoding.

use super::column::{append, append_null, append_value, length, Column};
use super::{Budget, Outcome, Status};

/// Where the last value of a field lies in the record: begin and end.
pub type Slot = (usize, usize);

const ABSENT: Slot = (usize::MAX, 0);

/// Words of a message's table before its fields: how many there are; where there are none its column, else -1; bytes of a
/// row of it in which all is absent.
const HEADER: usize = 3;
/// Words of a field: number, kind, column, flags, table of its message, oneof (from 1).
const FIELD: usize = 6;
const REPEATED: i32 = 1;
/// Null where it is absent, not a default.
const PRESENCE: i32 = 2;

/// Kinds of fields.
mod kind {
    pub const BOOL: i32 = 0;
    /// A varint of which the low 32 bits count.
    pub const INT32: i32 = 1;
    pub const INT64: i32 = 2;
    /// Zigzag.
    pub const SINT32: i32 = 3;
    pub const SINT64: i32 = 4;
    pub const FIXED32: i32 = 5;
    pub const FIXED64: i32 = 6;
    pub const TEXT: i32 = 7;
    pub const BYTES: i32 = 8;
    pub const MESSAGE: i32 = 9;
    pub const GROUP: i32 = 10;
}

/// Nesting of groups that are skipped.
const MAX_GROUPS: usize = 100;

/// Decodes a message; whether all of it is in the columns.
pub fn message(
    columns: &mut [Column],
    code: &[i32],
    record: &[u8],
    slots: &mut Vec<Slot>,
) -> Outcome<Status> {
    let mut decoder = Decoder {
        columns,
        code,
        record,
        slots,
        budget: Budget::of(record),
        is_text: true,
        is_whole: true,
    };
    decoder.message(0, 0, record.len())?;
    Ok(match (decoder.is_text, decoder.is_whole) {
        (false, _) => Status::Text,
        (true, false) => Status::Extra,
        _ => Status::Fits,
    })
}

struct Decoder<'a> {
    columns: &'a mut [Column],
    code: &'a [i32],
    record: &'a [u8],
    slots: &'a mut Vec<Slot>,
    /// For items of lists.
    budget: Budget,
    is_text: bool,
    /// Whether every field was known so far.
    is_whole: bool,
}

impl Decoder<'_> {
    /// Decodes the message between two places by the table at a place of the code.
    fn message(&mut self, table: usize, start: usize, end: usize) -> Outcome<()> {
        let code = self.code;
        let count = code[table] as usize;
        let fields = &code[table + HEADER..table + HEADER + FIELD * count];
        let base = self.slots.len();
        self.slots.resize(base + count, ABSENT);
        let mut at = start;
        // Fields mostly come in the order of their numbers.
        let mut guess = 0;
        while at < end {
            let (number, wire) = self.tag(&mut at, end)?;
            let value = self.value(number, wire, &mut at, end)?;
            let Some(index) = find(fields, number as i32, guess) else {
                self.is_whole = false;
                continue;
            };
            guess = index + 1;
            let field = &fields[FIELD * index..FIELD * (index + 1)];
            let is_packed = wire == 2 && field[1] < kind::TEXT;
            if wire_of(field[1]) != wire && !(is_packed && field[3] & REPEATED != 0) {
                self.is_whole = false; // of another type than ours
                continue;
            }
            if field[3] & REPEATED != 0 {
                if field[1] >= kind::MESSAGE {
                    self.budget.spend(code[field[4] as usize + 2] as u64)?;
                }
                if is_packed {
                    self.packed(field[1], field[2] as usize + 1, value)?;
                } else {
                    self.append(field[1], field[2] as usize + 1, field[4] as usize, value)?;
                }
                continue;
            }
            if field[5] != 0 {
                // It takes time, if no bytes.
                self.budget.spend(count as u64)?;
                for other in 0..count {
                    if other != index && fields[FIELD * other + 5] == field[5] {
                        self.slots[base + other] = ABSENT;
                    }
                }
            }
            let slot = &mut self.slots[base + index];
            if field[1] >= kind::MESSAGE && *slot != ABSENT {
                return Err(Status::Encoding); // parts of one message, to be merged
            }
            *slot = value;
        }
        for index in 0..count {
            let field = &fields[FIELD * index..FIELD * (index + 1)];
            let column = field[2] as usize;
            let slot = self.slots[base + index];
            if field[3] & REPEATED != 0 {
                let end = length(self.columns, column + 1);
                self.columns[column].close(end)?;
            } else if slot != ABSENT {
                self.append(field[1], column, field[4] as usize, slot)?;
            } else if field[3] & PRESENCE != 0 {
                append_null(self.columns, column);
            } else {
                self.append_default(field[1], column)?;
            }
        }
        if let Ok(unit) = usize::try_from(code[table + 1]) {
            self.columns[unit].push_unit();
        }
        self.slots.truncate(base);
        Ok(())
    }

    /// Passes over a value; where it lies, without its length or its end.
    fn value(&self, number: u64, wire: u64, at: &mut usize, end: usize) -> Outcome<Slot> {
        let start = *at;
        let (from, to) = match wire {
            0 => {
                self.varint(at, end)?;
                return Ok((start, *at));
            }
            1 => (start, start + 8),
            2 => {
                let bytes = self.varint(at, end)?;
                if bytes > (end - *at) as u64 {
                    return Err(Status::Short);
                }
                (*at, *at + bytes as usize)
            }
            3 => {
                let to = self.skip_group(number, at, end)?;
                return Ok((start, to));
            }
            5 => (start, start + 4),
            _ => return Err(Status::Broken),
        };
        if to > end {
            return Err(Status::Short);
        }
        *at = to;
        Ok((from, to))
    }

    /// Passes over a group's fields and its end; where its end begins.
    fn skip_group(&self, number: u64, at: &mut usize, end: usize) -> Outcome<usize> {
        let mut open = vec![number];
        loop {
            let start = *at;
            let (inner, wire) = self.tag(at, end)?;
            match wire {
                3 if open.len() < MAX_GROUPS => open.push(inner),
                3 => return Err(Status::Broken),
                4 => {
                    if open.pop() != Some(inner) {
                        return Err(Status::Broken);
                    }
                    if open.is_empty() {
                        return Ok(start);
                    }
                }
                _ => {
                    self.value(inner, wire, at, end)?;
                }
            }
        }
    }

    /// Reads a tag: a field's number and the wire type of its value.
    #[inline]
    fn tag(&self, at: &mut usize, end: usize) -> Outcome<(u64, u64)> {
        let tag = self.varint(at, end)?;
        match tag >> 3 {
            number @ 1..=0x1fff_ffff => Ok((number, tag & 7)),
            _ => Err(Status::Broken),
        }
    }

    #[inline(always)]
    fn varint(&self, at: &mut usize, end: usize) -> Outcome<u64> {
        // Most have one byte.
        if *at < end {
            let byte = self.record[*at];
            if byte < 128 {
                *at += 1;
                return Ok(u64::from(byte));
            }
        }
        self.long_varint(at, end)
    }

    fn long_varint(&self, at: &mut usize, end: usize) -> Outcome<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            if *at >= end {
                return Err(Status::Short);
            }
            let byte = self.record[*at];
            *at += 1;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err(Status::Broken)
    }

    /// Appends a value that lies at a slot.
    fn append(&mut self, kind: i32, column: usize, table: usize, (start, end): Slot) -> Outcome<()> {
        match kind {
            kind::FIXED32 => {
                let value: [u8; 4] = self.record[start..end].try_into().unwrap_or_default();
                append_value(&mut self.columns[column].data, value);
            }
            kind::FIXED64 => {
                let value: [u8; 8] = self.record[start..end].try_into().unwrap_or_default();
                append_value(&mut self.columns[column].data, value);
            }
            kind::TEXT => {
                self.is_text &= self.columns[column].push_text_of(self.record, start, end - start)?;
            }
            kind::BYTES => {
                append(&mut self.columns[column].data, &self.record[start..end]);
                self.columns[column].close_bytes()?;
            }
            kind::MESSAGE | kind::GROUP => self.message(table, start, end)?,
            _ => {
                let mut at = start;
                let value = self.varint(&mut at, end)?;
                push_varint(&mut self.columns[column], kind, value);
            }
        }
        Ok(())
    }

    fn packed(&mut self, kind: i32, column: usize, (start, end): Slot) -> Outcome<()> {
        let width = match kind {
            kind::FIXED32 => 4,
            kind::FIXED64 => 8,
            _ => {
                let mut at = start;
                while at < end {
                    let value = self.varint(&mut at, end)?;
                    push_varint(&mut self.columns[column], kind, value);
                }
                return Ok(());
            }
        };
        if (end - start) % width != 0 {
            return Err(Status::Short);
        }
        append(&mut self.columns[column].data, &self.record[start..end]);
        Ok(())
    }

    fn append_default(&mut self, kind: i32, column: usize) -> Outcome<()> {
        let column = &mut self.columns[column];
        match kind {
            kind::TEXT | kind::BYTES => return column.close_bytes(),
            kind::FIXED32 => append_value(&mut column.data, [0; 4]),
            kind::FIXED64 => append_value(&mut column.data, [0; 8]),
            _ => push_varint(column, kind, 0),
        }
        Ok(())
    }
}

/// The field with a number; tries the one at `guess` first. They are in the order of their numbers.
#[inline]
fn find(fields: &[i32], number: i32, guess: usize) -> Option<usize> {
    let numbers = |index: usize| fields.get(FIELD * index).copied();
    if numbers(guess) == Some(number) {
        return Some(guess);
    }
    let (mut low, mut high) = (0, fields.len() / FIELD);
    while low < high {
        let middle = (low + high) / 2;
        if fields[FIELD * middle] < number {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    (numbers(low) == Some(number)).then_some(low)
}

fn wire_of(kind: i32) -> u64 {
    match kind {
        kind::FIXED64 => 1,
        kind::FIXED32 => 5,
        kind::TEXT | kind::BYTES | kind::MESSAGE => 2,
        kind::GROUP => 3,
        _ => 0,
    }
}

fn push_varint(column: &mut Column, kind: i32, value: u64) {
    match kind {
        kind::BOOL => column.push_bool(value != 0),
        kind::INT32 => append_value(&mut column.data, (value as u32).to_le_bytes()),
        kind::SINT32 => {
            let value = value as u32;
            let decoded = (value >> 1) ^ (value & 1).wrapping_neg();
            append_value(&mut column.data, decoded.to_le_bytes());
        }
        kind::SINT64 => {
            let decoded = (value >> 1) ^ (value & 1).wrapping_neg();
            append_value(&mut column.data, decoded.to_le_bytes());
        }
        kind::INT64 => append_value(&mut column.data, value.to_le_bytes()),
        _ => unreachable!("kind {kind} is no varint"),
    }
}
