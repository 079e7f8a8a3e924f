//! Any bytes as a record batch message: an error or a layout whose buffers lie within the message.

#![no_main]

use libfuzzer_sys::fuzz_target;
use smalti_core::ipc::parse_batch;

fuzz_target!(|message: &[u8]| {
    let Ok(layout) = parse_batch(message, message.len() as u64) else {
        return;
    };
    for place in layout.buffers.chunks_exact(2) {
        assert!(place[0] >= 0.0 && place[1] >= 0.0 && place[0] + place[1] <= message.len() as f64);
    }
});
