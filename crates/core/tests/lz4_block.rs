//! Blocks, valid and damaged, against a decoder that copies byte by byte: the same bytes or both refuse, and nothing is
//! written outside the room.

mod common;

use common::Random;
use smalti_core::lz4_block::decode;
use std::time::{SystemTime, UNIX_EPOCH};

/// As the format says, a byte at a time.
fn reference(src: &[u8], seen: &[u8], room: usize) -> Option<Vec<u8>> {
    let mut all = seen.to_vec();
    let mut src = src.iter().map(|&byte| usize::from(byte));
    loop {
        let token = src.next()?;
        for _ in 0..extended(token >> 4, &mut src)? {
            all.push(src.next()? as u8);
        }
        let Some(low) = src.next() else {
            return (all.len() - seen.len() <= room).then_some(all);
        };
        let distance = low | src.next()? << 8;
        let length = extended(token & 15, &mut src)? + 4;
        if distance == 0 || distance > all.len() || all.len() - seen.len() + length > room {
            return None;
        }
        for _ in 0..length {
            all.push(all[all.len() - distance]);
        }
    }
}

fn extended(mut length: usize, src: &mut impl Iterator<Item = usize>) -> Option<usize> {
    if length == 15 {
        loop {
            let byte = src.next()?;
            length += byte;
            if byte != 255 {
                break;
            }
        }
    }
    Some(length)
}

fn put_length(mut length: usize, out: &mut Vec<u8>) {
    if length < 15 {
        return;
    }
    length -= 15;
    while length >= 255 {
        out.push(255);
        length -= 255;
    }
    out.push(length as u8);
}

/// A length as columns have them: short, about the size of a copy, or long.
fn any_length(random: &mut Random) -> usize {
    let most = [4, 20, 40, 300, 3000][random.below(5) as usize];
    random.below(most) as usize
}

/// A block whose matches reach back into `seen` bytes too, and how many bytes it holds.
fn any_block(random: &mut Random, seen: usize) -> (Vec<u8>, usize) {
    let mut block = Vec::new();
    let mut length = 0;
    for _ in 0..random.below(12) {
        let literals = if seen + length == 0 { 1 } else { 0 } + any_length(random);
        let matched = 4 + any_length(random);
        block.push((literals.min(15) << 4 | (matched - 4).min(15)) as u8);
        put_length(literals, &mut block);
        block.extend((0..literals).map(|_| random.below(256) as u8));
        length += literals;
        let most = (seen + length).min([8, 40, 65535][random.below(3) as usize]);
        let distance = 1 + random.below(most as u32) as usize;
        block.extend((distance as u16).to_le_bytes());
        put_length(matched - 4, &mut block);
        length += matched;
    }
    let literals = any_length(random);
    block.push((literals.min(15) << 4) as u8);
    put_length(literals, &mut block);
    block.extend((0..literals).map(|_| random.below(256) as u8));
    (block, length + literals)
}

/// Decodes by both, between bytes that must stay as they are.
fn check(block: &[u8], before: &[u8], seen: usize, room: usize) -> bool {
    let start = before.len();
    let mut out = [before, &vec![0xa5; room + 40]].concat();
    let wanted = reference(block, &before[start - seen..], room);
    let end = decode(block, &mut out, start, start + room, start - seen);
    assert_eq!(out[..start], *before);
    assert!(out[start + room..].iter().all(|&byte| byte == 0xa5));
    match (&wanted, end) {
        (Some(all), Some(end)) => assert!(out[start - seen..end] == *all),
        (None, None) => {}
        _ => panic!(
            "{end:?} where {:?} bytes were wanted",
            wanted.map(|all| all.len() - seen)
        ),
    }
    end.is_some()
}

#[test]
fn any_block_is_decoded_or_refused_as_byte_by_byte() {
    let seed = std::env::var("SMALTI_SEED").map_or_else(
        |_| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .subsec_nanos()
        },
        |text| text.parse().unwrap(),
    );
    println!("SMALTI_SEED={seed}");
    let mut random = Random(seed);
    let (mut sound, mut damaged) = (0, 0);
    for _ in 0..4000 {
        let before: Vec<u8> = (0..any_length(&mut random))
            .map(|_| random.below(256) as u8)
            .collect();
        let seen = random.below(before.len() as u32 + 1) as usize;
        let (mut block, length) = any_block(&mut random, seen);
        for room in [length, length + random.below(40) as usize] {
            assert!(check(&block, &before, seen, room), "a sound block is refused");
        }
        sound += 1;
        check(
            &block,
            &before,
            seen,
            length.saturating_sub(1 + random.below(20) as usize),
        );
        for _ in 0..8 {
            match random.below(3) {
                0 => {
                    let at = random.below(block.len() as u32) as usize;
                    block[at] = random.below(256) as u8;
                }
                1 => block.truncate(random.below(block.len() as u32 + 1) as usize),
                _ => block.push(random.below(256) as u8),
            }
            if block.is_empty() {
                break;
            }
            damaged += usize::from(!check(&block, &before, seen, length + random.below(60) as usize));
        }
    }
    assert!(sound > 1000 && damaged > 1000, "{sound} sound, {damaged} damaged");
}

#[test]
fn every_distance_repeats_what_is_there() {
    for distance in 1..70u8 {
        for matched in 4..100usize {
            let mut block = vec![0xf0 | (matched - 4).min(15) as u8];
            put_length(usize::from(distance).max(15), &mut block);
            block.extend((0..distance.max(15)).map(|byte| byte.wrapping_mul(37)));
            block.extend([distance, 0]);
            put_length(matched - 4, &mut block);
            block.push(0);
            let length = usize::from(distance.max(15)) + matched;
            for room in [length, length + 1, length + 15, length + 16, length + 64] {
                assert!(check(&block, &[], 0, room));
            }
            assert!(!check(&block, &[], 0, length - 1));
        }
    }
}
