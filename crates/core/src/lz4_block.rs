//! LZ4 blocks, decoded by copies of 16 bytes: columns are made of long matches and of short ones at distances of a
//! value or two, which the decoder of lz4_flex copies byte by byte.
//!
//! Source: LZ4 block format, https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md.

const MIN_MATCH: usize = 4;
/// What is copied at once.
const STEP: usize = 16;
/// Literals that are copied by steps: in WebAssembly a call to copy memory takes as long as many of them.
const FEW: usize = 2 * STEP;
/// Bytes that a sequence without longer lengths takes at most, up to the end of its last copy: in the block, and decoded.
const SHORT_STORED: usize = STEP + 2;
const SHORT: usize = 14 + 2 * STEP;

/// Decodes the block `src` to `out[start..end]`; matches may reach back to `lowest`. Returns where its output ends, `None`
/// where the block is damaged: then `out[start..end]` holds anything. Bytes before `start` are never written, nor any from
/// `end` on.
pub fn decode(src: &[u8], out: &mut [u8], start: usize, end: usize, lowest: usize) -> Option<usize> {
    assert!(lowest <= start && start <= end && end <= out.len());
    let (mut ip, mut op) = (0, start);
    loop {
        let token = usize::from(*src.get(ip)?);
        ip += 1;
        let (literals, matched) = (token >> 4, token & 15);

        // Most sequences of a column are a few literals and a short match.
        if literals < 15 && matched < 15 && src.len() - ip >= SHORT_STORED && end - op >= SHORT {
            // SAFETY: so many bytes are there, in both.
            unsafe {
                copy_eight(src.as_ptr().add(ip), out.as_mut_ptr().add(op));
                if literals > 8 {
                    copy_eight(src.as_ptr().add(ip + 8), out.as_mut_ptr().add(op + 8));
                }
            }
            ip += literals;
            op += literals;
            // SAFETY: as above.
            let distance =
                usize::from(unsafe { src.as_ptr().add(ip).cast::<u16>().read_unaligned() }.to_le());
            ip += 2;
            if distance == 0 || distance > op - lowest {
                return None;
            }
            // SAFETY: it begins within `out`; two steps are there.
            unsafe { copy_short_match(out.as_mut_ptr().add(op), distance, MIN_MATCH + matched) };
            op += MIN_MATCH + matched;
            continue;
        }

        let length = extended(literals, src, &mut ip)?;
        if length > src.len() - ip || length > end - op {
            return None;
        }
        if length <= FEW && src.len() - ip >= FEW && end - op >= FEW {
            for at in [0, STEP] {
                // SAFETY: as many bytes as two steps are there, in both.
                unsafe { copy_step(src.as_ptr().add(ip + at), out.as_mut_ptr().add(op + at)) };
            }
        } else {
            out[op..op + length].copy_from_slice(&src[ip..ip + length]);
        }
        ip += length;
        op += length;
        if ip == src.len() {
            return Some(op);
        }

        let distance = usize::from(u16::from_le_bytes([*src.get(ip)?, *src.get(ip + 1)?]));
        ip += 2;
        let length = extended(matched, src, &mut ip)? + MIN_MATCH;
        if distance == 0 || distance > op - lowest || length > end - op {
            return None;
        }
        // SAFETY: it begins within `out` and ends at `end` at the latest.
        unsafe { copy_match(out.as_mut_ptr().add(op), distance, length, end - op) };
        op += length;
    }
}

/// A length: 15 goes on in bytes of which the last is not 255.
#[inline(always)]
fn extended(mut length: usize, src: &[u8], ip: &mut usize) -> Option<usize> {
    if length == 15 {
        loop {
            let byte = *src.get(*ip)?;
            *ip += 1;
            length += usize::from(byte);
            if byte != 255 {
                break;
            }
        }
    }
    Some(length)
}

/// Repeats what begins `distance` bytes before `to`: 18 bytes at most, which copies may pass.
///
/// # Safety
///
/// From `distance` bytes before `to` to two steps after it all is one allocation; `distance` is not 0.
#[inline(always)]
unsafe fn copy_short_match(to: *mut u8, distance: usize, length: usize) {
    // SAFETY: as above.
    unsafe {
        let from = to.sub(distance);
        if distance >= 8 {
            // Each is whole before the next reads it.
            copy_eight(from, to);
            copy_eight(from.add(8), to.add(8));
            if length > STEP {
                copy_eight(from.add(16), to.add(16));
            }
        } else {
            let pattern = repeat(from, distance);
            put_step(to, pattern);
            put_step(to.add(REPEATED[distance]), pattern);
        }
    }
}

/// Repeats what begins `distance` bytes before `to`.
///
/// # Safety
///
/// From `distance` bytes before `to` to `room` bytes after it all is one allocation; `distance` is not 0, and
/// `length` not larger than `room`.
unsafe fn copy_match(to: *mut u8, distance: usize, length: usize, room: usize) {
    // SAFETY: what is copied by steps ends at `room` at the latest, all else at `length`.
    unsafe {
        let from = to.sub(distance);
        let mut at = 0;
        if distance >= STEP {
            while at < length && at + STEP <= room {
                copy_step(from.add(at), to.add(at));
                at += STEP;
            }
        } else if length > STEP {
            // `length` bytes are there, so that a step is. Each writes over what the one before has too many.
            let pattern = repeat(from, distance);
            while at < length && at + STEP <= room {
                put_step(to.add(at), pattern);
                at += REPEATED[distance];
            }
        }
        for at in at..length {
            *to.add(at) = *from.add(at);
        }
    }
}

/// # Safety
///
/// There are 16 bytes to be read and to be written.
#[inline(always)]
unsafe fn copy_step(from: *const u8, to: *mut u8) {
    // SAFETY: as above. All are read before any is written.
    unsafe { put_step(to, from.cast::<[u8; STEP]>().read_unaligned()) }
}

/// # Safety
///
/// There are 8 bytes to be read and to be written.
#[inline(always)]
unsafe fn copy_eight(from: *const u8, to: *mut u8) {
    // SAFETY: as above.
    unsafe {
        to.cast::<u64>()
            .write_unaligned(from.cast::<u64>().read_unaligned())
    }
}

/// # Safety
///
/// There are 16 bytes to be written.
#[inline(always)]
unsafe fn put_step(to: *mut u8, bytes: [u8; STEP]) {
    // SAFETY: as above.
    unsafe { to.cast::<[u8; STEP]>().write_unaligned(bytes) }
}

/// The first `distance` bytes again and again.
///
/// # Safety
///
/// There are 16 bytes to be read, of which the first `distance` are what matters; there are 1 to 15 of these.
#[inline(always)]
unsafe fn repeat(from: *const u8, distance: usize) -> [u8; STEP] {
    // SAFETY: as above.
    let bytes = unsafe { from.cast::<[u8; STEP]>().read_unaligned() };
    let order = &REPEATS[distance];
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    {
        use core::arch::wasm32::{i8x16_swizzle, v128};
        // SAFETY: all three are 16 bytes of any bits.
        unsafe {
            let (bytes, order): (v128, v128) = (core::mem::transmute(bytes), core::mem::transmute(*order));
            core::mem::transmute(i8x16_swizzle(bytes, order))
        }
    }
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    order.map(|index| bytes[usize::from(index)])
}

/// By distance: bytes in as many whole repetitions as 16 bytes have.
const REPEATED: [usize; STEP] = {
    let mut repeated = [STEP; STEP];
    let mut distance = 1;
    while distance < STEP {
        repeated[distance] = STEP - STEP % distance;
        distance += 1;
    }
    repeated
};

/// By distance: which byte comes at each of 16 places.
const REPEATS: [[u8; STEP]; STEP] = {
    let mut repeats = [[0; STEP]; STEP];
    let mut distance = 1;
    while distance < STEP {
        let mut at = 0;
        while at < STEP {
            repeats[distance][at] = (at % distance) as u8;
            at += 1;
        }
        distance += 1;
    }
    repeats
};
