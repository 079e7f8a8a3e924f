//! LZ4 frames, the form in which Arrow IPC stores LZ4: both ways.
//!
//! The compressor is that of `src/engine/lz4.ts`, so that both engines write the same frames: greedy with one hash
//! table, as in the reference implementation, giving up early on what does not compress. Blocks are decoded by
//! lz4_flex, which accepts what `src/engine/lz4.ts` accepts: a block ends in a sequence of literals only, a distance
//! is never 0, no match reaches before the bytes it may see, and nothing is written past the slice it is given.
//!
//! Source: LZ4 frame format 1.6.4 and LZ4 block format, https://github.com/lz4/lz4/tree/dev/doc.

use twox_hash::XxHash32;

use crate::{Error, Result};

const MAGIC: u32 = 0x184d_2204;
const HEADER_BYTES: usize = 7;
const END_MARK_BYTES: usize = 4;
/// High bit of a block's size: the block is stored as it is.
const STORED: u32 = 0x8000_0000;

const MIN_MATCH: usize = 4;
/// The format ends every block with at least this many literals...
const LAST_LITERALS: usize = 5;
/// ...and starts no match later than this before the end.
const MATCH_START_LIMIT: usize = 12;
const MAX_DISTANCE: usize = 65535;

const HASH_BITS: u32 = 13;
/// After this many misses as a power of two the search takes longer steps.
const SKIP_BITS: u32 = 5;
/// Inputs from this size on are judged by two samples before any work is done.
const SAMPLED_FROM: usize = 1 << 16;
const MAX_SAMPLE: usize = 1 << 14;

/// Decompresses one frame that fills `src` into `out`, which then holds exactly `raw_len` bytes. Checksums in the
/// frame are verified. After an error `out` holds anything.
///
/// CORRUPT when the bytes are no LZ4 frame, are damaged, or hold another number of bytes; UNSUPPORTED when the frame
/// needs a dictionary; TOO_LARGE when there is no memory for so much.
pub fn decompress(src: &[u8], raw_len: u64, out: &mut Vec<u8>) -> Result<()> {
    let damaged = || Error::corrupt(format!("LZ4 frame is damaged or does not hold {raw_len} bytes"));
    let size = src.len();
    if size < HEADER_BYTES || word(src, 0) != MAGIC {
        return Err(Error::corrupt("Bytes are not an LZ4 frame"));
    }
    let flags = src[4];
    let size_code = src[5] >> 4;
    let linked = flags & 0x20 == 0;
    let block_checksums = flags & 0x10 != 0;
    let has_content_size = flags & 0x08 != 0;
    let has_content_checksum = flags & 0x04 != 0;
    let has_dictionary = flags & 0x01 != 0;

    // The checksum comes before what the fields say, so that a damaged header is never called an unsupported one.
    let header_end = 6 + if has_content_size { 8 } else { 0 } + if has_dictionary { 4 } else { 0 };
    if header_end >= size || src[header_end] != header_checksum(&src[4..header_end]) {
        return Err(damaged());
    }
    if has_dictionary {
        return Err(Error::unsupported("LZ4 frame needs a dictionary"));
    }
    if flags & 0xc2 != 0x40 || src[5] & 0x8f != 0 || size_code < 4 {
        return Err(damaged());
    }
    if has_content_size && u64::from(word(src, 6)) | u64::from(word(src, 10)) << 32 != raw_len {
        return Err(damaged());
    }
    // One byte of a length stands for at most 255 bytes: more cannot be in there, so allocate no more.
    if raw_len > 255 * size as u64 {
        return Err(damaged());
    }

    let raw_size = allocate(raw_len, out)?;
    let trailer = if block_checksums { 4 } else { 0 };
    let mut ip = header_end + 1;
    let mut op = 0;
    loop {
        if size - ip < 4 {
            return Err(damaged());
        }
        let head = word(src, ip);
        ip += 4;
        if head == 0 {
            break;
        }
        let length = (head & !STORED) as usize;
        if length > block_bytes(size_code) || size - ip < length + trailer {
            return Err(damaged());
        }
        let block = &src[ip..ip + length];
        if block_checksums && word(src, ip + length) != XxHash32::oneshot(0, block) {
            return Err(damaged());
        }
        if head & STORED != 0 {
            if length > raw_size - op {
                return Err(damaged());
            }
            out[op..op + length].copy_from_slice(block);
            op += length;
        } else {
            let room = (raw_size - op).min(block_bytes(size_code));
            let (seen, rest) = out.split_at_mut(op);
            let rest = &mut rest[..room];
            let written = if linked && op > 0 {
                let reach = &seen[op.saturating_sub(MAX_DISTANCE)..];
                lz4_flex::block::decompress_into_with_dict(block, rest, reach)
            } else {
                lz4_flex::block::decompress_into(block, rest)
            };
            op += written.map_err(|_| damaged())?;
        }
        ip += length + trailer;
    }
    if op != raw_size {
        return Err(damaged());
    }
    if has_content_checksum {
        if size - ip < 4 || word(src, ip) != XxHash32::oneshot(0, out) {
            return Err(damaged());
        }
        ip += 4;
    }
    if ip != size {
        return Err(damaged());
    }
    Ok(())
}

/// Compresses into one frame of independent blocks without checksums, which is then all that `out` holds. False, with
/// anything in `out`, when that would not save at least a quarter of the input, judged for long inputs by a sample.
///
/// The same bytes always give the same frame.
pub fn compress(src: &[u8], out: &mut Vec<u8>) -> bool {
    let size = src.len();
    let budget = size - size.div_ceil(4);
    // Places in the hash table are 32-bit.
    if budget < HEADER_BYTES + END_MARK_BYTES + 4 || size > i32::MAX as usize {
        return false;
    }
    out.clear();
    if out.try_reserve_exact(budget).is_err() {
        return false;
    }
    out.resize(budget, 0);
    if size >= SAMPLED_FROM && !worthwhile(src, out) {
        return false;
    }

    let mut size_code = 4;
    while size_code < 7 && block_bytes(size_code) < size {
        size_code += 1;
    }
    out[..4].copy_from_slice(&MAGIC.to_le_bytes());
    out[4] = 0x60; // version 01, independent blocks
    out[5] = size_code << 4;
    out[6] = header_checksum(&out[4..6]);
    let mut op = HEADER_BYTES;
    let mut table = [0; 1 << HASH_BITS];
    for start in (0..size).step_by(block_bytes(size_code)) {
        let end = size.min(start + block_bytes(size_code));
        let length = end - start;
        let most = budget - END_MARK_BYTES;
        let limit = most.min(op + 4 + length - 1);
        let (stored, next) = match compress_block(src, start, end, &mut table, out, op + 4, limit) {
            Some(next) => (0, next),
            None if op + 4 + length > most => return false,
            None => {
                out[op + 4..op + 4 + length].copy_from_slice(&src[start..end]);
                (STORED, op + 4 + length)
            }
        };
        let head = (next - op - 4) as u32 | stored;
        out[op..op + 4].copy_from_slice(&head.to_le_bytes());
        op = next;
    }
    out[op..op + END_MARK_BYTES].fill(0);
    out.truncate(op + END_MARK_BYTES);
    true
}

/// Whether pieces from the start and the middle, each compressed alone, save a quarter between them.
fn worthwhile(src: &[u8], dst: &mut [u8]) -> bool {
    let length = MAX_SAMPLE.min(src.len() >> 3);
    let mut table = [0; 1 << HASH_BITS];
    let mut room = 2 * length - (length >> 1);
    for start in [0, src.len() >> 1] {
        match compress_block(src, start, start + length, &mut table, dst, 0, room) {
            Some(used) => room -= used,
            None => return false,
        }
    }
    true
}

/// Writes one block of `src[start..end]` at `op` and returns where it ends, or None when it would pass `limit`.
/// `table` has, for a hash, 1 + the place of the latest bytes with it.
fn compress_block(
    src: &[u8],
    start: usize,
    end: usize,
    table: &mut [u32; 1 << HASH_BITS],
    dst: &mut [u8],
    mut op: usize,
    limit: usize,
) -> Option<usize> {
    let src = &src[..end];
    let match_end = end.saturating_sub(LAST_LITERALS);
    let mut anchor = start;
    let mut ip = start;
    let mut misses = 1 << SKIP_BITS;
    while ip + MATCH_START_LIMIT <= end {
        let bytes = word(src, ip);
        let slot = &mut table[hash_of(bytes, word(src, ip + 2))];
        let entry = *slot as usize;
        *slot = ip as u32 + 1;
        if entry <= start || ip - (entry - 1) > MAX_DISTANCE || word(src, entry - 1) != bytes {
            ip += misses >> SKIP_BITS;
            misses += 1;
            continue;
        }
        let mut from = entry - 1;
        misses = 1 << SKIP_BITS;
        while ip > anchor && from > start && src[ip - 1] == src[from - 1] {
            ip -= 1;
            from -= 1;
        }

        let literals = ip - anchor;
        let distance = ip - from;
        let extra = common_bytes(src, from + MIN_MATCH, ip + MIN_MATCH, match_end);
        if op + literals + (literals >> 7) + (extra >> 7) + 5 > limit {
            return None;
        }
        let token = op;
        op = write_literals(dst, op, &src[anchor..ip]);
        dst[op..op + 2].copy_from_slice(&(distance as u16).to_le_bytes());
        op += 2;
        if extra < 15 {
            dst[token] |= extra as u8;
        } else {
            dst[token] |= 15;
            op = write_length(dst, op, extra - 15);
        }
        ip += MIN_MATCH + extra;
        anchor = ip;
    }

    let literals = end - anchor;
    if op + literals + (literals >> 7) + 2 > limit {
        return None;
    }
    Some(write_literals(dst, op, &src[anchor..]))
}

/// A token with the number of literals, and the literals.
fn write_literals(dst: &mut [u8], mut op: usize, literals: &[u8]) -> usize {
    let length = literals.len();
    let token = op;
    op += 1;
    if length < 15 {
        dst[token] = (length as u8) << 4;
    } else {
        dst[token] = 0xf0;
        op = write_length(dst, op, length - 15);
    }
    dst[op..op + length].copy_from_slice(literals);
    op + length
}

fn write_length(dst: &mut [u8], mut op: usize, mut length: usize) -> usize {
    while length >= 255 {
        dst[op] = 255;
        op += 1;
        length -= 255;
    }
    dst[op] = length as u8;
    op + 1
}

/// How many bytes at `from` and `at` are the same, before the later place reaches `end`.
fn common_bytes(src: &[u8], mut from: usize, mut at: usize, end: usize) -> usize {
    let start = at;
    while at + 8 <= end {
        let difference = long(src, at) ^ long(src, from);
        if difference != 0 {
            return at - start + (difference.trailing_zeros() >> 3) as usize;
        }
        at += 8;
        from += 8;
    }
    while at < end && src[at] == src[from] {
        at += 1;
        from += 1;
    }
    at - start
}

/// A hash of 6 bytes, given as two overlapping words.
fn hash_of(low: u32, high: u32) -> usize {
    let mixed = low
        .wrapping_mul(0x9e37_79b1)
        .wrapping_add(high.wrapping_mul(0x85eb_ca77));
    (mixed >> (32 - HASH_BITS)) as usize
}

/// The largest block under a block size code of 4 to 7.
fn block_bytes(size_code: u8) -> usize {
    1 << (8 + 2 * size_code)
}

fn header_checksum(descriptor: &[u8]) -> u8 {
    (XxHash32::oneshot(0, descriptor) >> 8) as u8
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

/// Makes `out` hold `length` zeroes; TOO_LARGE when there is no memory for them.
pub(crate) fn allocate(length: u64, out: &mut Vec<u8>) -> Result<usize> {
    let too_large = || Error::too_large(format!("No memory for a buffer of {length} bytes"));
    let size = usize::try_from(length).map_err(|_| too_large())?;
    out.clear();
    out.try_reserve_exact(size).map_err(|_| too_large())?;
    out.resize(size, 0);
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn more_than_there_is_memory_for_is_too_large() {
        let error = allocate(u64::MAX, &mut Vec::new()).unwrap_err();
        assert_eq!(error.code, Code::TooLarge);
        assert_eq!(
            error.message,
            "No memory for a buffer of 18446744073709551615 bytes"
        );
    }
}
