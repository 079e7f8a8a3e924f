//! Record batch messages, whole and damaged: the same outcomes as the TypeScript engine's.

mod common;

use common::{check_series, cuts, expected, fixture, flips, outcome, words, Random};
use smalti_core::ipc::{parse_batch, BatchLayout, Codec};
use smalti_core::Code;

fn numbers(values: &[f64]) -> String {
    values.iter().map(f64::to_string).collect::<Vec<_>>().join(",")
}

fn text(layout: &BatchLayout) -> String {
    let codec = match layout.codec {
        Codec::None => "none",
        Codec::Lz4 => "lz4",
        Codec::Zstd => "zstd",
    };
    let pairs: String = layout
        .metadata
        .iter()
        .map(|(key, value)| format!("{key}={value};"))
        .collect();
    let id = layout
        .dictionary
        .map_or("none".to_owned(), |(id, is_delta)| format!("{id},{is_delta}"));
    [
        layout.rows.to_string(),
        codec.to_owned(),
        numbers(&layout.nodes),
        numbers(&layout.buffers),
        numbers(&layout.variadic),
        pairs,
        id,
    ]
    .join("|")
}

/// Of a message given whole.
fn parsed(message: Vec<u8>) -> String {
    let result = parse_batch(&message, message.len() as u64);
    outcome(result.map(|layout| text(&layout).into_bytes()))
}

#[test]
fn outcomes_equal_those_of_typescript() {
    let expected = expected();
    for case in expected["messages"].as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let bytes = fixture(file);
        let head = case["head"].as_u64().unwrap() as usize;
        let layout = parse_batch(&bytes, bytes.len() as u64).unwrap();
        assert_eq!(Some(text(&layout).as_str()), case["layout"].as_str(), "{file}");
        let named = |what: &str| format!("{file}, {what}");
        check_series(&named("cuts"), cuts(&bytes).map(parsed), &case["cuts"]);
        check_series(&named("flips"), flips(&bytes, head).map(parsed), &case["flips"]);
        check_series(
            &named("words"),
            words(&bytes, head, &expected["words"]).map(parsed),
            &case["words"],
        );
    }
}

#[test]
fn a_head_is_enough() {
    for case in expected()["messages"].as_array().unwrap() {
        let bytes = fixture(case["file"].as_str().unwrap());
        let head = case["head"].as_u64().unwrap() as usize;
        let whole = parse_batch(&bytes, bytes.len() as u64);
        assert_eq!(parse_batch(&bytes[..head], bytes.len() as u64), whole);
        assert_eq!(parse_batch(&bytes[..head + 1], bytes.len() as u64), whole);
        for wrong in [bytes.len() as u64 - 1, bytes.len() as u64 + 1, u64::MAX] {
            let error = parse_batch(&bytes[..head], wrong).unwrap_err();
            assert_eq!(error.message, "Arrow message is cut or has a wrong length");
        }
    }
}

#[test]
fn survives_heavy_damage() {
    let mut next = Random(7);
    for case in expected()["messages"].as_array().unwrap() {
        let bytes = fixture(case["file"].as_str().unwrap());
        let head = case["head"].as_u64().unwrap() as u32;
        for _ in 0..5000 {
            let mut copy = bytes.clone();
            for _ in 0..1 + next.below(6) {
                copy[next.below(head) as usize] = next.below(256) as u8;
            }
            if let Err(error) = parse_batch(&copy, copy.len() as u64) {
                assert_ne!(error.code, Code::TooLarge);
            }
        }
    }
}

/// A vector may claim more tables than there are bytes to read them from, and all may be one and the same.
#[test]
fn reading_the_same_bytes_again_and_again_ends() {
    let pairs = 40_000;
    // Message: vtable (fields 0 to 4), table with header type, header, body length 0, metadata.
    let mut flat: Vec<u8> = Vec::new();
    let put = |flat: &mut Vec<u8>, word: u32| flat.extend(word.to_le_bytes());
    put(&mut flat, 20); // root table
    for slot in [14u16, 24, 0, 4, 8, 0, 16, 0] {
        flat.extend(slot.to_le_bytes()); // at 4: bytes of vtable and table, fields, padding
    }
    put(&mut flat, 16); // 20: table, its vtable 16 before
    put(&mut flat, 3); // 24: a record batch...
    put(&mut flat, 16); // 28: ...at 44
    put(&mut flat, 0);
    put(&mut flat, 20); // 36: metadata at 56
    put(&mut flat, 0);
    put(&mut flat, 4); // 44: a table without fields: its vtable at 40
    flat[40..44].copy_from_slice(&[4, 0, 4, 0]);
    put(&mut flat, 0);
    put(&mut flat, 0);
    put(&mut flat, pairs); // 56
    for i in 0..pairs {
        put(&mut flat, 4 * (pairs - i)); // all tables at the end
    }
    let vtable = flat.len() as u32 + 16;
    put(&mut flat, 0u32.wrapping_sub(16)); // the table: vtable 16 after, one field, the key
    put(&mut flat, 4);
    put(&mut flat, 4); // a key of 4 bytes
    put(&mut flat, 0x6162_6364);
    assert_eq!(flat.len() as u32, vtable);
    flat.extend([6, 0, 8, 0, 4, 0, 0, 0]);

    let mut message = (flat.len() as u32).to_le_bytes().to_vec();
    message.extend(&flat);
    let layout = parse_batch(&message, message.len() as u64).unwrap();
    assert_eq!(layout.metadata, [("dcba".to_owned(), String::new())]);

    // The same with a key that stretches over most of the bytes.
    let key = flat.len() - 16;
    message[4 + key..8 + key].copy_from_slice(&12u32.to_le_bytes());
    message[4 + key - 4..4 + key].copy_from_slice(&(0u32.wrapping_sub(key as u32 - 56) + 4).to_le_bytes());
    let error = parse_batch(&message, message.len() as u64).unwrap_err();
    assert_eq!(error.code, Code::Corrupt);
}
