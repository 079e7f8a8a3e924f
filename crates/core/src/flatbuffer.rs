//! Reading FlatBuffers without trusting them: every position is checked against the bytes before it is used.
//! Layout: flatbuffers.dev, "FlatBuffer internals". Field numbers are the order of fields in Arrow's .fbs files.

use core::cell::Cell;
use std::collections::BTreeMap;

use crate::{Error, Result};

/// How often all bytes may be read over, on average, and what a small buffer may cost on top.
const ALLOWANCE_FACTOR: i64 = 16;
const ALLOWANCE_BASE: i64 = 1 << 16;

/// The largest integer that JavaScript counts exactly.
const MAX_SAFE: i64 = (1 << 53) - 1;

/// Bytes under a table, and how much of them may still be read.
pub struct Source<'a> {
    bytes: &'a [u8],
    /// Any table or text may be pointed at from many places: without a bound a few bytes could stand for endless
    /// data.
    allowance: Cell<i64>,
}

impl<'a> Source<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let allowance = ALLOWANCE_BASE + ALLOWANCE_FACTOR * bytes.len() as i64;
        Self {
            bytes,
            allowance: Cell::new(allowance),
        }
    }

    /// The root table.
    pub fn root(&self) -> Result<Table<'_>> {
        let start = self.u32(self.within(0, 4)?);
        Table::new(self, i64::from(start))
    }

    fn spend(&self, bytes: i64) -> Result<()> {
        let left = self.allowance.get() - bytes;
        self.allowance.set(left);
        if left < 0 {
            return Err(Error::corrupt(
                "Arrow metadata points at the same bytes too often",
            ));
        }
        Ok(())
    }

    /// Places are i64 until checked: sums of 32-bit offsets fit, and nothing can wrap.
    fn within(&self, at: i64, size: i64) -> Result<usize> {
        if at < 0 || at + size > self.bytes.len() as i64 {
            return Err(Error::corrupt("Arrow metadata points outside its bytes"));
        }
        Ok(at as usize)
    }

    /// `N` bytes at a place that `within` gave.
    fn at<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut result = [0; N];
        result.copy_from_slice(&self.bytes[at..at + N]);
        result
    }

    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.at(at))
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.at(at))
    }

    fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.at(at))
    }
}

/// One table within FlatBuffer bytes. A missing field gives its default, or None where it has none.
pub struct Table<'s> {
    source: &'s Source<'s>,
    start: i64,
    vtable: usize,
    field_count: usize,
}

impl<'s> Table<'s> {
    fn new(source: &'s Source<'s>, start: i64) -> Result<Self> {
        source.spend(8)?;
        let back = i32::from_le_bytes(source.at(source.within(start, 4)?));
        let vtable = source.within(start - i64::from(back), 4)?;
        let vtable_bytes = source.u16(vtable);
        source.within(vtable as i64, i64::from(vtable_bytes))?;
        let field_count = usize::from(vtable_bytes >> 1).saturating_sub(2);
        Ok(Self {
            source,
            start,
            vtable,
            field_count,
        })
    }

    /// A signed integer of 8 bits.
    pub fn int8(&self, field: usize) -> Result<i8> {
        Ok(self.place(field, 1)?.map_or(0, |at| self.source.bytes[at] as i8))
    }

    /// An integer of 64 bits, exactly.
    pub fn int64(&self, field: usize) -> Result<i64> {
        Ok(self.place(field, 8)?.map_or(0, |at| self.source.i64(at)))
    }

    /// An integer of 64 bits that counts bytes or rows: CORRUPT where it is negative or beyond 2^53.
    pub fn count(&self, field: usize) -> Result<f64> {
        count(self.int64(field)?)
    }

    pub fn bool(&self, field: usize) -> Result<bool> {
        Ok(self.int8(field)? != 0)
    }

    pub fn string(&self, field: usize) -> Result<Option<&'s str>> {
        let Some(at) = self.follow(field)? else {
            return Ok(None);
        };
        let length = self.source.u32(at);
        let from = self.source.within(at as i64 + 4, i64::from(length))?;
        self.source.spend(i64::from(length))?;
        match core::str::from_utf8(&self.source.bytes[from..from + length as usize]) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Error::corrupt("Arrow metadata holds text that is not UTF-8")),
        }
    }

    pub fn table(&self, field: usize) -> Result<Option<Table<'s>>> {
        self.follow(field)?
            .map(|at| Table::new(self.source, at as i64))
            .transpose()
    }

    /// A vector of tables.
    pub fn tables(&self, field: usize) -> Result<Vec<Table<'s>>> {
        let (at, length) = self.vector(field, 4)?;
        // Not collected at once: the allowance may end long before a vector that claims many tables.
        let mut tables = Vec::new();
        for place in (at..).step_by(4).take(length) {
            let offset = i64::from(self.source.u32(place));
            tables.push(Table::new(self.source, place as i64 + offset)?);
        }
        Ok(tables)
    }

    /// A vector of structs made of 64-bit counts (Buffer, or plain longs), flattened.
    pub fn counts(&self, field: usize, per_item: usize) -> Result<Vec<f64>> {
        let (at, length) = self.vector(field, 8 * per_item as i64)?;
        (0..length * per_item)
            .map(|i| count(self.source.i64(at + 8 * i)))
            .collect()
    }

    /// A vector of FieldNode structs (length: long, null count: long), flattened; a null count of -1 says nothing.
    pub fn nodes(&self, field: usize) -> Result<Vec<f64>> {
        let (at, length) = self.vector(field, 16)?;
        (0..length * 2)
            .map(|i| match self.source.i64(at + 8 * i) {
                -1 if i % 2 == 1 => Ok(-1.0),
                value => count(value),
            })
            .collect()
    }

    /// A vector of KeyValue tables; a later key wins, in the place of the first, as in a JavaScript Map.
    pub fn key_values(&self, field: usize) -> Result<Vec<(String, String)>> {
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        let mut places = BTreeMap::new();
        for table in self.tables(field)? {
            let key = table.string(0)?.unwrap_or_default();
            let value = table.string(1)?.unwrap_or_default();
            let place = *places.entry(key).or_insert(pairs.len());
            if place < pairs.len() {
                pairs[place].1 = value;
            } else {
                pairs.push((key, value));
            }
        }
        Ok(pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect())
    }

    /// None where the table has no such field; no field can lie at 0, where its table's own start is.
    fn place(&self, field: usize, size: i64) -> Result<Option<usize>> {
        if field >= self.field_count {
            return Ok(None);
        }
        match self.source.u16(self.vtable + 4 + 2 * field) {
            0 => Ok(None),
            offset => self.source.within(self.start + i64::from(offset), size).map(Some),
        }
    }

    fn follow(&self, field: usize) -> Result<Option<usize>> {
        let Some(at) = self.place(field, 4)? else {
            return Ok(None);
        };
        let offset = i64::from(self.source.u32(at));
        self.source.within(at as i64 + offset, 4).map(Some)
    }

    /// Where a vector's items are, and how many.
    fn vector(&self, field: usize, item_size: i64) -> Result<(usize, usize)> {
        let Some(at) = self.follow(field)? else {
            return Ok((0, 0));
        };
        let length = self.source.u32(at);
        let from = self.source.within(at as i64 + 4, i64::from(length) * item_size)?;
        Ok((from, length as usize))
    }
}

fn count(value: i64) -> Result<f64> {
    if !(0..=MAX_SAFE).contains(&value) {
        return Err(Error::corrupt(format!(
            "Arrow metadata counts {value}: wanted 0 to 2^53 - 1"
        )));
    }
    Ok(value as f64)
}
