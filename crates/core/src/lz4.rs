//! LZ4 frames, the form in which Arrow IPC stores LZ4: both ways.
//!
//! Blocks are decoded by [`crate::lz4_block`], which accepts what `src/engine/lz4.ts` accepts: a block ends in a sequence
//! of literals only, a distance is never 0, no match reaches before the bytes it may see, and nothing is written past the
//! room it is given. lz4_flex compresses them; it writes other frames than the TypeScript engine, of the same bytes.
//!
//! Source: LZ4 frame format 1.6.4 and LZ4 block format, https://github.com/lz4/lz4/tree/dev/doc.

use lz4_flex::block::{compress_into, get_maximum_output_size};
use twox_hash::XxHash32;

use crate::{lz4_block, Error, Result};

const MAGIC: u32 = 0x184d_2204;
const HEADER_BYTES: usize = 7;
const END_MARK_BYTES: usize = 4;
/// High bit of a block's size: the block is stored as it is.
const STORED: u32 = 0x8000_0000;

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
            let limit = raw_size.min(op + block_bytes(size_code));
            let lowest = if linked { 0 } else { op };
            op = lz4_block::decode(block, out, op, limit, lowest).ok_or_else(damaged)?;
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
/// anything in `out`, when that would not save at least one `part` of the input.
///
/// The same bytes always give the same frame.
pub fn compress(src: &[u8], part: usize, out: &mut Vec<u8>) -> bool {
    let size = src.len();
    let mut size_code = 4;
    while size_code < 7 && block_bytes(size_code) < size {
        size_code += 1;
    }
    let blocks = src.chunks(block_bytes(size_code));
    let room: usize = blocks
        .clone()
        .map(|block| 4 + get_maximum_output_size(block.len()))
        .sum();
    if allocate((HEADER_BYTES + room + END_MARK_BYTES) as u64, out).is_err() {
        return false;
    }

    out[..4].copy_from_slice(&MAGIC.to_le_bytes());
    out[4] = 0x60; // version 01, independent blocks
    out[5] = size_code << 4;
    out[6] = header_checksum(&out[4..6]);
    let mut op = HEADER_BYTES;
    for block in blocks {
        let head = match compress_into(block, &mut out[op + 4..]) {
            Ok(length) if length < block.len() => length as u32,
            _ => {
                out[op + 4..op + 4 + block.len()].copy_from_slice(block);
                block.len() as u32 | STORED
            }
        };
        out[op..op + 4].copy_from_slice(&head.to_le_bytes());
        op += 4 + (head & !STORED) as usize;
    }
    out[op..op + END_MARK_BYTES].fill(0);
    out.truncate(op + END_MARK_BYTES);
    out.len() <= size - size.div_ceil(part)
}

/// Whether samples of an input, each of `length` bytes and compressed alone, save at least one `part` of them. After it
/// `out` holds anything.
pub fn is_worthwhile(samples: &[u8], length: usize, part: usize, out: &mut Vec<u8>) -> bool {
    out.resize(get_maximum_output_size(length), 0);
    let used: usize = samples
        .chunks(length)
        .map(|sample| compress_into(sample, out).unwrap_or(length))
        .sum();
    used <= samples.len() - samples.len().div_ceil(part)
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

/// Makes `out` hold `length` bytes, whatever they are; TOO_LARGE when there is no memory for them.
pub(crate) fn allocate(length: u64, out: &mut Vec<u8>) -> Result<usize> {
    let too_large = || Error::too_large(format!("No memory for a buffer of {length} bytes"));
    let size = usize::try_from(length).map_err(|_| too_large())?;
    out.truncate(size);
    let missing = size - out.len();
    out.try_reserve_exact(missing).map_err(|_| too_large())?;
    // What is there already is not cleared: all of it is written anew.
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
