//! Records of every length of text and bytes: short ones are copied by other instructions than long ones.

use smalti_core::records::Decoder;

/// Columns of text and of bytes, each with its length in front: steps 1 and 2 of `src/record_plan.ts`.
const COLUMNS: [i32; 6] = [2, 0, 0, 2, 0, 0];
const CODE: [i32; 8] = [1, 0, 0, 0, 2, 1, 0, 0];
const PACKED: u32 = 1;

fn with_length(bytes: &[u8]) -> Vec<u8> {
    let mut whole = (bytes.len() as u32).to_le_bytes().to_vec();
    whole.extend_from_slice(bytes);
    whole
}

fn collect(decoder: &mut Decoder) -> Vec<Vec<u8>> {
    let (mut nodes, mut buffers) = (Vec::new(), Vec::new());
    decoder.collect(&mut nodes, |buffer| buffers.push(buffer.to_vec()));
    buffers
}

#[test]
fn text_and_bytes_of_every_length() {
    let text: Vec<u8> = (0..700).map(|i| 33 + (i % 90) as u8).collect();
    let mut decoder = Decoder::new(PACKED, &COLUMNS, &CODE).expect("a plan");
    let mut all = Vec::new();
    for length in 0..700 {
        // From another place each time, so that no alignment is special.
        let part = &text[length % 7..(length % 7 + length).min(700)];
        let record = [with_length(part), with_length(part)].concat();
        let mut status = [9];
        decoder.decode(&record, &[0, record.len() as i32], &mut status);
        assert_eq!(status, [0]);
        all.extend_from_slice(part);
    }
    let buffers = collect(&mut decoder);
    assert_eq!(buffers[2], all);
    assert_eq!(buffers[5], all);
}

#[test]
fn text_is_checked_at_every_place() {
    for length in 1..40 {
        for at in 0..length {
            let mut text = vec![b'a'; length];
            text[at] = 0xff;
            let record = [with_length(&text), with_length(&[])].concat();
            let mut decoder = Decoder::new(PACKED, &COLUMNS, &CODE).expect("a plan");
            let mut status = [9];
            decoder.decode(&record, &[0, record.len() as i32], &mut status);
            assert_eq!(status, [1], "byte {at} of {length}");
            let expected = String::from_utf8_lossy(&text).into_owned().into_bytes();
            assert_eq!(collect(&mut decoder)[2], expected);
        }
    }
}
