//! The WebAssembly binding of `smalti_core`: numbers in, numbers out.
//!
//! Bytes cross through memory: the caller writes to the place that `input` gives, calls, and copies what the `*_ptr`
//! and `*_len` functions point at, which is valid until the next call. Calls that can fail return a status: 0, or
//! one that names a code, with the text at `text_ptr`. A panic traps and leaves its text at `panic_ptr`; the
//! instance is not to be used after it.
//!
//! Exports are plain numbers so that `src/engine/wasm.ts` may instantiate a module as often as it likes: the glue that
//! wasm-bindgen writes beside the module allows one instance and is not used.

use core::cell::RefCell;
use smalti_core::picker::Picker;
use smalti_core::{crc, ipc, lz4, records, zstd, Code, Error, Result};
use wasm_bindgen::prelude::wasm_bindgen;

/// Scratch up to this size is kept between calls; larger is given back when it is no longer needed.
const KEPT_BYTES: usize = 1 << 23;

#[derive(Default)]
struct State {
    /// In words, so that it is aligned.
    input: Vec<u64>,
    output: Vec<u8>,
    numbers: Vec<f64>,
    text: String,
    chunk: Vec<u8>,
    decoders: Vec<Option<records::Decoder>>,
    pickers: Vec<Option<Picker>>,
    /// In words, so that they are aligned.
    picked: Vec<u64>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

fn with<T>(action: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(action)
}

impl State {
    fn input(&self, bytes: usize) -> &[u8] {
        let (start, room) = (self.input.as_ptr().cast::<u8>(), 8 * self.input.len());
        // SAFETY: the words of `input` are initialised bytes, `room` of them, and not changed while `self` is borrowed.
        let all = unsafe { core::slice::from_raw_parts(start, room) };
        &all[..bytes]
    }

    fn integers(&self, count: usize) -> &[i32] {
        let (start, room) = (self.input.as_ptr().cast::<i32>(), 2 * self.input.len());
        // SAFETY: as in `input`; the words are aligned for integers.
        let all = unsafe { core::slice::from_raw_parts(start, room) };
        &all[..count]
    }

    fn status(&mut self, result: Result<()>) -> u32 {
        let Err(Error { code, message }) = result else {
            return 0;
        };
        self.text = message;
        match code {
            Code::Corrupt => 1,
            Code::Unsupported => 2,
            Code::TooLarge => 3,
        }
    }
}

/// To be called once, before anything else.
#[wasm_bindgen]
pub fn start() {
    std::panic::set_hook(Box::new(|info| {
        PANIC.with_borrow_mut(|text| *text = info.to_string())
    }));
}

/// The version of this crate, as major * 2^20 + minor * 2^10 + patch.
#[wasm_bindgen]
pub fn version() -> u32 {
    let mut parts = env!("CARGO_PKG_VERSION")
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    next() << 20 | next() << 10 | next()
}

/// Whether it was built with SIMD.
#[wasm_bindgen]
pub fn simd() -> bool {
    cfg!(target_feature = "simd128")
}

/// The hash of the sources it was built from: 64 hex digits.
#[wasm_bindgen]
pub fn source_hash_ptr() -> usize {
    SOURCE_HASH.as_ptr() as usize
}

const SOURCE_HASH: &str = match option_env!("SMALTI_SOURCE_HASH") {
    Some(hash) => hash,
    None => "................................................................",
};

#[wasm_bindgen]
pub fn panic_ptr() -> usize {
    PANIC.with_borrow(|text| text.as_ptr() as usize)
}

#[wasm_bindgen]
pub fn panic_len() -> usize {
    PANIC.with_borrow(|text| text.len())
}

/// Room for so many bytes, aligned to 8; 0 where there is none.
#[wasm_bindgen]
pub fn input(bytes: usize) -> usize {
    with(|state| {
        let words = bytes.div_ceil(8);
        if words > state.input.len() && state.input.try_reserve_exact(words - state.input.len()).is_err() {
            return 0;
        }
        state
            .input
            .resize(words.max(state.input.len().min(KEPT_BYTES / 8)), 0);
        state.input.shrink_to(words.max(KEPT_BYTES / 8));
        state.input.as_ptr() as usize
    })
}

#[wasm_bindgen]
pub fn output_ptr() -> usize {
    with(|state| state.output.as_ptr() as usize)
}

#[wasm_bindgen]
pub fn output_len() -> usize {
    with(|state| state.output.len())
}

#[wasm_bindgen]
pub fn numbers_ptr() -> usize {
    with(|state| state.numbers.as_ptr() as usize)
}

#[wasm_bindgen]
pub fn numbers_len() -> usize {
    with(|state| state.numbers.len())
}

#[wasm_bindgen]
pub fn text_ptr() -> usize {
    with(|state| state.text.as_ptr() as usize)
}

#[wasm_bindgen]
pub fn text_len() -> usize {
    with(|state| state.text.len())
}

/// Parses the head of a message of `message_bytes`, `head_bytes` of which are the input. Numbers: rows, codec (0 none,
/// 1 LZ4, 2 ZSTD), 1 for a dictionary batch else 0, its id's high and low word, 1 for a delta else 0, how many nodes,
/// buffers, variadic counts and metadata pairs, then these; of a pair the UTF-8 bytes of its key and of its value, which
/// stand in the text.
#[wasm_bindgen]
pub fn parse_batch(head_bytes: usize, message_bytes: f64) -> u32 {
    with(|state| {
        let parsed = ipc::parse_batch(state.input(head_bytes), message_bytes as u64);
        let result = parsed.map(|layout| state.keep_layout(&layout));
        state.status(result)
    })
}

impl State {
    fn keep_layout(&mut self, layout: &ipc::BatchLayout) {
        let (numbers, text) = (&mut self.numbers, &mut self.text);
        numbers.clear();
        text.clear();
        let (id, is_delta) = layout.dictionary.unwrap_or_default();
        let codec = match layout.codec {
            ipc::Codec::None => 0.0,
            ipc::Codec::Lz4 => 1.0,
            ipc::Codec::Zstd => 2.0,
        };
        numbers.extend([
            layout.rows,
            codec,
            f64::from(u8::from(layout.dictionary.is_some())),
            (id >> 32) as f64,
            (id as u32).into(),
            f64::from(u8::from(is_delta)),
            layout.nodes.len() as f64,
            layout.buffers.len() as f64,
            layout.variadic.len() as f64,
            layout.metadata.len() as f64,
        ]);
        numbers.extend(&layout.nodes);
        numbers.extend(&layout.buffers);
        numbers.extend(&layout.variadic);
        for (key, value) in &layout.metadata {
            numbers.extend([key.len() as f64, value.len() as f64]);
            text.push_str(key);
            text.push_str(value);
        }
    }
}

/// Decompresses the frame in the first `bytes` of the input into the output. Codecs as in `parse_batch`.
#[wasm_bindgen]
pub fn decompress(codec: u32, bytes: usize, raw_bytes: f64) -> u32 {
    with(|state| {
        let mut output = core::mem::take(&mut state.output);
        let decompress = if codec == 1 {
            lz4::decompress
        } else {
            zstd::decompress
        };
        output.truncate(KEPT_BYTES);
        output.shrink_to(KEPT_BYTES);
        let result = decompress(state.input(bytes), raw_bytes as u64, &mut output);
        state.output = output;
        state.status(result)
    })
}

/// Compresses the first `bytes` of the input into one LZ4 frame in the output; false where that saves too little.
#[wasm_bindgen]
pub fn compress(bytes: usize, part: usize) -> bool {
    with(|state| {
        let mut output = core::mem::take(&mut state.output);
        output.truncate(KEPT_BYTES);
        output.shrink_to(KEPT_BYTES);
        let is_worth = lz4::compress(state.input(bytes), part, &mut output);
        state.output = output;
        is_worth
    })
}

/// Whether the two samples at the start of the input, each of so many bytes, compress well enough.
#[wasm_bindgen]
pub fn is_worthwhile(sample_bytes: usize, part: usize) -> bool {
    with(|state| {
        let mut output = core::mem::take(&mut state.output);
        let is_worth = lz4::is_worthwhile(state.input(2 * sample_bytes), sample_bytes, part, &mut output);
        state.output = output;
        is_worth
    })
}

/// CRC-32 of the first `bytes` of the input, after others of which it is `before`.
#[wasm_bindgen]
pub fn crc32(bytes: usize, before: u32) -> u32 {
    with(|state| crc::crc32(state.input(bytes), before))
}

/// A decoder of records: its number. The input has, as 32-bit integers, the words for its columns, then those of its code.
#[wasm_bindgen]
pub fn records_open(encoding: u32, columns: usize, code: usize) -> usize {
    with(|state| {
        let (columns, code) = state.integers(columns + code).split_at(columns);
        let decoder = records::Decoder::new(encoding, columns, code).expect("a plan");
        put(&mut state.decoders, decoder)
    })
}

/// Puts an item into a free slot: its number.
fn put<T>(slots: &mut Vec<Option<T>>, item: T) -> usize {
    let free = slots.iter().position(Option::is_none);
    let id = free.unwrap_or(slots.len());
    if id == slots.len() {
        slots.push(None);
    }
    slots[id] = Some(item);
    id
}

#[wasm_bindgen]
pub fn records_close(id: usize) {
    with(|state| state.decoders[id] = None);
}

/// Room for so many bytes, in which records lie; 0 where there is none.
#[wasm_bindgen]
pub fn records_chunk(bytes: usize) -> usize {
    with(|state| {
        let chunk = &mut state.chunk;
        chunk.truncate(bytes.max(KEPT_BYTES));
        chunk.shrink_to(bytes.max(KEPT_BYTES));
        if chunk
            .try_reserve_exact(bytes.saturating_sub(chunk.len()))
            .is_err()
        {
            return 0;
        }
        chunk.resize(bytes.max(chunk.len()), 0);
        chunk.as_ptr() as usize
    })
}

/// Decodes so many records of the chunk. The input has, as 32-bit integers, begin and end of each. Their statuses are the
/// output; returned are the bytes that the decoder has collected by now.
#[wasm_bindgen]
pub fn records_decode(id: usize, count: usize) -> f64 {
    with(|state| {
        let mut output = core::mem::take(&mut state.output);
        output.clear();
        output.resize(count, 0);
        let mut decoder = state.decoders[id].take().expect("a decoder");
        decoder.decode(&state.chunk, state.integers(2 * count), &mut output);
        let bytes = decoder.bytes();
        state.decoders[id] = Some(decoder);
        state.output = output;
        bytes as f64
    })
}

/// What a decoder has collected. Numbers: per column its length and null count, then per buffer where it is and its
/// bytes; they are valid until `records_reset`.
#[wasm_bindgen]
pub fn records_collect(id: usize) {
    with(|state| {
        let decoder = state.decoders[id].as_mut().expect("a decoder");
        let mut buffers = Vec::new();
        state.numbers.clear();
        decoder.collect(&mut state.numbers, |buffer| {
            buffers.extend([buffer.as_ptr() as usize as f64, buffer.len() as f64]);
        });
        state.numbers.append(&mut buffers);
    });
}

/// Forgets what a decoder has collected.
#[wasm_bindgen]
pub fn records_reset(id: usize) {
    with(|state| state.decoders[id].as_mut().expect("a decoder").reset());
}

/// A picker of rows: its number.
#[wasm_bindgen]
pub fn picker_open() -> usize {
    with(|state| put(&mut state.pickers, Picker::default()))
}

#[wasm_bindgen]
pub fn picker_close(id: usize) {
    with(|state| {
        state.pickers[id] = None;
        state.picked = Vec::new();
    });
}

/// Room for what a run has in a column, so many bytes, aligned to 8; 0 where there is none.
#[wasm_bindgen]
pub fn picker_numbers(id: usize, column: usize, run: usize, bytes: usize) -> usize {
    with(|state| {
        let picker = state.pickers[id].as_mut().expect("a picker");
        picker
            .numbers(column, run, bytes)
            .map_or(0, |room| room.as_ptr() as usize)
    })
}

/// Room for the times of so many rows of a run, those from a number on; 0 where there is none.
#[wasm_bindgen]
pub fn picker_times(id: usize, run: usize, from: i32, count: usize) -> usize {
    with(|state| {
        let picker = state.pickers[id].as_mut().expect("a picker");
        picker
            .merge
            .times(run, from, count)
            .map_or(0, |room| room.as_ptr() as usize)
    })
}

/// Adds a run to what a picker orders, whose times are there.
#[wasm_bindgen]
pub fn picker_add(id: usize, run: usize, topic: i32, batch: f64) {
    with(|state| {
        state.pickers[id]
            .as_mut()
            .expect("a picker")
            .merge
            .add(run, (topic, batch))
    });
}

/// The smallest time of the rows to come, where there are some.
#[wasm_bindgen]
pub fn picker_head(id: usize) -> i64 {
    with(|state| {
        state.pickers[id]
            .as_ref()
            .expect("a picker")
            .merge
            .head()
            .unwrap_or(i64::MAX)
    })
}

/// Takes the next rows, none later than `until`, so many at most. Returns how many; -1 where there is no memory. Numbers:
/// 1 where they lie in long stretches, else 0, then the runs that have no rows left.
#[wasm_bindgen]
pub fn picker_fill(id: usize, until: i64, most: usize) -> i32 {
    with(|state| {
        let picker = state.pickers[id].as_mut().expect("a picker");
        let Some(count) = picker.fill(until, most) else {
            return -1;
        };
        state.numbers.clear();
        state.numbers.push(f64::from(u8::from(picker.has_stretches())));
        state
            .numbers
            .extend(picker.merge.exhausted().iter().map(|&run| f64::from(run)));
        count as i32
    })
}

/// Numbers: of each run with rows left, its id and the number of the next row.
#[wasm_bindgen]
pub fn picker_left(id: usize) {
    with(|state| {
        state.numbers.clear();
        let merge = &state.pickers[id].as_ref().expect("a picker").merge;
        state.numbers.extend(
            merge
                .left()
                .flat_map(|(run, row)| [f64::from(run), f64::from(row)]),
        );
    });
}

/// Where the runs of the rows are, as 32-bit integers.
#[wasm_bindgen]
pub fn picker_runs(id: usize) -> usize {
    with(|state| state.pickers[id].as_ref().expect("a picker").runs().as_ptr() as usize)
}

/// Where the times of the rows are.
#[wasm_bindgen]
pub fn picker_row_times(id: usize) -> usize {
    with(|state| state.pickers[id].as_ref().expect("a picker").times().as_ptr() as usize)
}

/// Where the numbers of the rows in their runs are, as 32-bit integers.
#[wasm_bindgen]
pub fn picker_rows(id: usize) -> usize {
    with(|state| state.pickers[id].as_ref().expect("a picker").rows().as_ptr() as usize)
}

/// Where there is a byte for each of so many runs, 1 where there are rows of it from `from` on, so many; 0 where there is no
/// memory.
#[wasm_bindgen]
pub fn picker_mark_runs(id: usize, from: usize, count: usize, runs: usize) -> usize {
    with(|state| {
        state.picked(id, runs, |picker, picked| {
            picker.mark_runs(from..from + count, runs, picked)
        })
    })
}

/// Where there is for each row, of so many, what the input tells of its run, of so many, as 32-bit integers; 0 where there is
/// no memory.
#[wasm_bindgen]
pub fn picker_look_up(id: usize, from: usize, count: usize, runs: usize) -> usize {
    with(|state| {
        let of_run = state.integers(runs).to_vec();
        state.picked(id, 4 * count, |picker, picked| {
            picker.look_up(from..from + count, &of_run, picked)
        })
    })
}

/// Where the numbers of the rows, of so many, are, `width` bytes each; 0 where there is no memory.
#[wasm_bindgen]
pub fn picker_pick(id: usize, from: usize, count: usize, column: usize, width: usize) -> usize {
    with(|state| {
        state.picked(id, width * count, |picker, picked| {
            picker.pick(from..from + count, column, width, picked)
        })
    })
}

impl State {
    /// Has a picker fill so many bytes: where they are, or 0.
    fn picked(&mut self, id: usize, bytes: usize, fill: impl FnOnce(&Picker, &mut [u64])) -> usize {
        let words = bytes.div_ceil(8);
        let missing = words.saturating_sub(self.picked.len());
        if self.picked.try_reserve_exact(missing).is_err() {
            return 0;
        }
        self.picked.resize(words.max(self.picked.len()), 0);
        let picker = self.pickers[id].as_ref().expect("a picker");
        fill(picker, &mut self.picked[..words]);
        self.picked.as_ptr() as usize
    }
}
