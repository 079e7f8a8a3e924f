//! FlatBuffers.
//!
//! Source: https://flatbuffers.dev/internals.

use super::column::{append, append_null, length, Column};
use super::{Budget, Outcome, Status};

/// Words of a table before its fields: how many there are; where there are none its column, else -1; bytes of a row of it
/// in which all is absent; the first place of its vtable that no field of the schema has.
const HEADER: usize = 4;
/// Words of a field: its place in the vtable or in the struct, kind, column, bytes of a value or number of items, place of
/// its table, 1 where it is null when absent, low and high word of its default.
const FIELD: usize = 8;
/// Words of a member of a union: its number, place of its table, column.
const MEMBER: usize = 3;

/// Kinds of fields.
mod kind {
    pub const SCALAR: i32 = 0;
    pub const BOOL: i32 = 1;
    pub const STRUCT: i32 = 2;
    /// Inline, so many items of the next field's kind; within structs.
    pub const ARRAY: i32 = 3;
    pub const TEXT: i32 = 4;
    pub const BYTES: i32 = 5;
    pub const TABLE: i32 = 6;
    pub const SCALARS: i32 = 7;
    pub const BOOLS: i32 = 8;
    pub const STRUCTS: i32 = 9;
    pub const TEXTS: i32 = 10;
    pub const TABLES: i32 = 11;
    pub const UNION: i32 = 12;
    /// What no column takes.
    pub const OTHER: i32 = 13;
}

/// Decodes a FlatBuffer; whether all of it is in the columns.
pub fn buffer(columns: &mut [Column], code: &[i32], record: &[u8]) -> Outcome<Status> {
    let mut decoder = Decoder {
        columns,
        code,
        record,
        budget: Budget::of(record),
        is_text: true,
        is_whole: true,
    };
    let root = decoder.follow(0)?;
    decoder.table(0, root)?;
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
    /// For texts, bytes and lists.
    budget: Budget,
    is_text: bool,
    is_whole: bool,
}

impl<'a> Decoder<'a> {
    #[inline]
    fn take(&self, at: usize, bytes: usize) -> Outcome<&'a [u8]> {
        let end = at.checked_add(bytes).ok_or(Status::Short)?;
        self.record.get(at..end).ok_or(Status::Short)
    }

    #[inline]
    fn u16(&self, at: usize) -> Outcome<usize> {
        let bytes: [u8; 2] = self.take(at, 2)?.try_into().unwrap_or_default();
        Ok(u16::from_le_bytes(bytes) as usize)
    }

    #[inline]
    fn u32(&self, at: usize) -> Outcome<usize> {
        let bytes: [u8; 4] = self.take(at, 4)?.try_into().unwrap_or_default();
        Ok(u32::from_le_bytes(bytes) as usize)
    }

    /// Where the offset at a place leads.
    fn follow(&self, at: usize) -> Outcome<usize> {
        let to = at.checked_add(self.u32(at)?).ok_or(Status::Short)?;
        if to > self.record.len() {
            return Err(Status::Short);
        }
        Ok(to)
    }

    /// The items of the vector at a place: where they begin, and how many there are.
    fn vector(&self, at: usize, width: usize) -> Outcome<(usize, usize)> {
        let count = self.u32(at)?;
        let bytes = count.checked_mul(width).ok_or(Status::Short)?;
        self.take(at + 4, bytes)?;
        Ok((at + 4, count))
    }

    fn table(&mut self, table: usize, at: usize) -> Outcome<()> {
        let code = self.code;
        let back = self.u32(at)? as u32 as i32 as i64;
        let vtable = usize::try_from(at as i64 - back).map_err(|_| Status::Broken)?;
        let vtable_bytes = self.u16(vtable)?;
        self.take(vtable, vtable_bytes)?;
        let place = |decoder: &Self, slot: usize| -> Outcome<Option<usize>> {
            if slot + 2 > vtable_bytes {
                return Ok(None);
            }
            let offset = decoder.u16(vtable + slot)?;
            Ok((offset != 0).then_some(at + offset))
        };
        let count = code[table] as usize;
        for index in 0..count {
            let at = table + HEADER + FIELD * index;
            let field = &code[at..at + FIELD];
            let column = field[2] as usize;
            match place(self, field[0] as usize)? {
                Some(_) if field[1] == kind::OTHER => self.is_whole = false,
                None if field[1] == kind::OTHER => {}
                Some(value) if field[1] == kind::UNION => {
                    // The number of its member is the field before.
                    let member = match place(self, field[0] as usize - 2)? {
                        Some(number) => self.take(number, 1)?[0],
                        None => 0,
                    };
                    self.union(field, i32::from(member), value)?;
                }
                Some(value) => self.value(at, value)?,
                None if field[5] == 1 => append_null(self.columns, column),
                None => self.default(field, column),
            }
        }
        if let Ok(unit) = usize::try_from(code[table + 1]) {
            self.columns[unit].push_unit();
        }
        let mut slot = code[table + 3] as usize;
        while slot + 2 <= vtable_bytes {
            self.is_whole &= self.u16(vtable + slot)? == 0;
            slot += 2;
        }
        Ok(())
    }

    fn default(&mut self, field: &[i32], column: usize) {
        if field[1] == kind::BOOL {
            return self.columns[column].push_bool(field[6] != 0);
        }
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&field[6].to_le_bytes());
        bytes[4..].copy_from_slice(&field[7].to_le_bytes());
        self.columns[column]
            .data
            .extend_from_slice(&bytes[..field[3] as usize]);
    }

    fn structure(&mut self, table: usize, at: usize) -> Outcome<()> {
        let count = self.code[table] as usize;
        let mut index = 0;
        while index < count {
            let field = table + HEADER + FIELD * index;
            self.value(field, at + self.code[field] as usize)?;
            // An array's item is described by the field after it.
            index += 1 + usize::from(self.code[field + 1] == kind::ARRAY);
        }
        if let Ok(unit) = usize::try_from(self.code[table + 1]) {
            self.columns[unit].push_unit();
        }
        Ok(())
    }

    /// Appends the value of a field, whose words are at a place of the code.
    fn value(&mut self, words: usize, at: usize) -> Outcome<()> {
        let field = &self.code[words..words + FIELD];
        let (column, width, table) = (field[2] as usize, field[3] as usize, field[4] as usize);
        match field[1] {
            kind::SCALAR => {
                let bytes = self.take(at, width)?;
                append(&mut self.columns[column].data, bytes);
            }
            kind::BOOL => {
                let value = self.take(at, 1)?[0] != 0;
                self.columns[column].push_bool(value);
            }
            kind::OTHER => self.is_whole = false,
            kind::STRUCT => self.structure(table, at)?,
            kind::ARRAY => {
                let item = words + FIELD;
                let bytes = self.code[item + 5] as usize;
                for index in 0..width {
                    self.value(item, at + index * bytes)?;
                }
            }
            kind::TEXT => self.text(column, at)?,
            kind::BYTES => {
                let at = self.follow(at)?;
                let (start, count) = self.vector(at, 1)?;
                self.budget.spend(count as u64)?;
                let bytes = self.take(start, count)?;
                append(&mut self.columns[column].data, bytes);
                self.columns[column].close_bytes()?;
            }
            kind::TABLE => {
                let at = self.follow(at)?;
                self.table(table, at)?;
            }
            list => {
                let at = self.follow(at)?;
                self.list(list, column, width, table, at)?;
            }
        }
        Ok(())
    }

    fn list(&mut self, kind: i32, column: usize, width: usize, table: usize, at: usize) -> Outcome<()> {
        let (start, count) = self.vector(at, width)?;
        let item = match kind {
            kind::STRUCTS | kind::TABLES => self.code[table + 2] as u64,
            _ => width as u64,
        };
        self.budget.spend(4 + count as u64 * item)?;
        match kind {
            kind::SCALARS => {
                let bytes = self.take(start, count * width)?;
                append(&mut self.columns[column + 1].data, bytes);
            }
            kind::BOOLS => {
                for &byte in self.take(start, count)? {
                    self.columns[column + 1].push_bool(byte != 0);
                }
            }
            kind::STRUCTS => {
                for index in 0..count {
                    self.structure(table, start + index * width)?;
                }
            }
            kind::TEXTS => {
                for index in 0..count {
                    self.text(column + 1, start + 4 * index)?;
                }
            }
            _ => {
                for index in 0..count {
                    let at = self.follow(start + 4 * index)?;
                    self.table(table, at)?;
                }
            }
        }
        let end = length(self.columns, column + 1);
        self.columns[column].close(end)
    }

    fn text(&mut self, column: usize, at: usize) -> Outcome<()> {
        let at = self.follow(at)?;
        let (start, count) = self.vector(at, 1)?;
        self.budget.spend(4 + count as u64)?;
        let text = self.take(start, count)?;
        self.is_text &= self.columns[column].push_text(text)?;
        Ok(())
    }

    /// Appends a union: a struct with a column for each member, of which one is no null.
    fn union(&mut self, field: &[i32], number: i32, at: usize) -> Outcome<()> {
        let table = field[4] as usize;
        let code = self.code;
        let count = code[table] as usize;
        let members = &code[table + 1..table + 1 + MEMBER * count];
        if !members.chunks_exact(MEMBER).any(|member| member[0] == number) {
            self.is_whole &= number == 0;
            append_null(self.columns, field[2] as usize);
            return Ok(());
        }
        for member in members.chunks_exact(MEMBER) {
            if member[0] == number {
                let at = self.follow(at)?;
                self.table(member[1] as usize, at)?;
            } else {
                append_null(self.columns, member[2] as usize);
            }
        }
        Ok(())
    }
}
