//! ZSTD frames, through ruzstd.
//!
//! Source: RFC 8878, section 3.1.1.

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::io::Read;
use twox_hash::XxHash64;

use crate::lz4::allocate;
use crate::{Error, Result};

const MAGIC: u32 = 0xfd2f_b528;
/// No block holds more.
const MAX_BLOCK: u64 = 1 << 17;
/// The largest window that libzstd accepts unless told otherwise.
const MAX_WINDOW: u64 = 1 << 27;

/// Decompresses one frame that fills `src` into `out`, which then holds exactly `raw_len` bytes. A checksum in the
/// frame is verified. After an error `out` holds anything.
///
/// CORRUPT when the bytes are no ZSTD frame, are damaged, or hold another number of bytes; UNSUPPORTED when the frame
/// needs a dictionary or a window of more than 128 MiB; TOO_LARGE when there is no memory for so much.
pub fn decompress(src: &[u8], raw_len: u64, out: &mut Vec<u8>) -> Result<()> {
    let checksum = check_frame(src, raw_len)?;
    let raw_size = allocate(raw_len, out)?;
    decode(src, out)
        .filter(|&length| length == raw_size)
        .ok_or_else(|| damaged(raw_len))?;
    match checksum {
        // RFC 8878, section 3.1.1: the low four bytes of the content's XXH64.
        Some(expected) if XxHash64::oneshot(0, out) as u32 != expected => Err(damaged(raw_len)),
        _ => Ok(()),
    }
}

/// Checks all of a frame but what is inside its blocks, and returns its checksum. Decoders differ in what they make of
/// a frame that is cut, is followed by something, or claims another length than the caller; they see none. A frame
/// that cannot hold `raw_len` bytes is refused before anything is allocated.
fn check_frame(src: &[u8], raw_len: u64) -> Result<Option<u32>> {
    if src.len() < 5 || little_endian(&src[..4]) != u64::from(MAGIC) {
        return Err(Error::corrupt("Bytes are not a ZSTD frame"));
    }
    let flags = src[4];
    let single = flags & 0x20 != 0;
    let has_checksum = flags & 0x04 != 0;
    let dictionary_bytes = [0, 1, 2, 4][usize::from(flags & 3)];
    let size_bytes = [usize::from(single), 2, 4, 8][usize::from(flags >> 6)];
    let dictionary = if single { 5 } else { 6 };
    let start = dictionary + dictionary_bytes + size_bytes;
    if flags & 0x08 != 0 || start + 3 > src.len() {
        return Err(damaged(raw_len));
    }

    let window = match src[5] {
        _ if single => raw_len,
        // Exponent, then eighths of it.
        byte => (1 << (10 + (byte >> 3))) / 8 * (8 + u64::from(byte & 7)),
    };
    if little_endian(&src[dictionary..dictionary + dictionary_bytes]) != 0 {
        return Err(Error::unsupported("ZSTD frame needs a dictionary"));
    }
    if size_bytes > 0 {
        let offset = if size_bytes == 2 { 256 } else { 0 };
        // No overflow: only two bytes have the offset.
        if little_endian(&src[start - size_bytes..start]) + offset != raw_len {
            return Err(damaged(raw_len));
        }
    }
    if window > MAX_WINDOW {
        return Err(Error::unsupported(format!(
            "ZSTD frame needs a window of {window} bytes: at most {MAX_WINDOW} are supported"
        )));
    }

    let mut end = start;
    let mut most_bytes = 0;
    loop {
        let Some(head) = src.get(end..end + 3) else {
            return Err(damaged(raw_len));
        };
        let head = little_endian(head);
        let size = head >> 3;
        let (stored, holds) = match head >> 1 & 3 {
            0 => (size, size),
            1 => (1, size),
            2 => (size, MAX_BLOCK),
            _ => return Err(damaged(raw_len)),
        };
        if head >> 1 & 3 == 2 && has_reserved_bits(&src[end + 3..src.len().min(end + 3 + size as usize)]) {
            return Err(damaged(raw_len));
        }
        most_bytes += holds;
        end += 3 + stored as usize;
        if head & 1 != 0 {
            break;
        }
    }
    let trailer = if has_checksum { 4 } else { 0 };
    if end + trailer != src.len() || raw_len > most_bytes {
        return Err(damaged(raw_len));
    }
    Ok(has_checksum.then(|| little_endian(&src[end..]) as u32))
}

/// Whether a compressed block has reserved bits set, which ruzstd does not look at and other decoders refuse. A block
/// too short to tell is left to ruzstd.
///
/// Source: RFC 8878, sections 3.1.1.3.1.1 (literals header) and 3.1.1.3.2.1 (sequences header).
fn has_reserved_bits(block: &[u8]) -> bool {
    let Some(&first) = block.first() else { return false };
    let format = first >> 2 & 3;
    // Bytes of the literals header, and the bit at which the literals' stored size starts in it.
    let (header, from) = match (first & 3, format) {
        (0 | 1, 0 | 2) => (1, 3),
        (0 | 1, 1) => (2, 4),
        (0 | 1, _) => (3, 4),
        (_, 0 | 1) => (3, 14),
        (_, 2) => (4, 18),
        _ => (5, 22),
    };
    let Some(bytes) = block.get(..header) else {
        return false;
    };
    let stored = if first & 3 == 1 {
        1
    } else {
        (little_endian(bytes) >> from) as usize
    };
    let sequences = block.get(header + stored..).unwrap_or_default();
    let modes = match sequences.first() {
        None | Some(0) => None,
        Some(1..=127) => sequences.get(1),
        Some(128..=254) => sequences.get(2),
        Some(255) => sequences.get(3),
    };
    modes.is_some_and(|modes| modes & 3 != 0)
}

/// Fills `out` and returns how many bytes the frame holds, or None when it is damaged or holds more than fit.
fn decode(mut src: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(MAX_WINDOW);
    decoder.init(&mut src).ok()?;
    let mut length = 0;
    // Block by block: a hostile frame then never fills more memory than its window and one block.
    while !decoder.is_finished() {
        decoder
            .decode_blocks(&mut src, BlockDecodingStrategy::UptoBlocks(1))
            .ok()?;
        length += decoder.read(&mut out[length..]).ok()?;
        if decoder.can_collect() > 0 {
            return None;
        }
    }
    Some(length)
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

fn damaged(raw_len: u64) -> Error {
    Error::corrupt(format!("ZSTD frame is damaged or does not hold {raw_len} bytes"))
}
