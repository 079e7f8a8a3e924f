//! Arrow IPC record batch messages -> where their parts lie.
//! Format: Arrow Columnar Format, "Serialization and Interprocess Communication (IPC)"; Message.fbs, Schema.fbs.

use crate::flatbuffer::{Source, Table};
use crate::{Error, Result};

/// Message.fbs, union MessageHeader.
const DICTIONARY_BATCH: i8 = 2;
const RECORD_BATCH: i8 = 3;

/// How a batch's buffers are stored: Arrow IPC's two codecs, or as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    None,
    Lz4,
    Zstd,
}

/// Where the parts of one record batch message lie. All places were checked against the message's length. Numbers
/// are whole, 0 to 2^53 - 1, in the form in which JavaScript takes them.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchLayout {
    /// Rows in the batch.
    pub rows: f64,
    /// How every buffer is stored.
    pub codec: Codec,
    /// Per field in depth-first order: length, null count; -1 where the writer did not count.
    pub nodes: Vec<f64>,
    /// Per buffer in depth-first order: offset from the first byte of the message, stored length.
    pub buffers: Vec<f64>,
    /// Per view column: the number of its variadic data buffers.
    pub variadic: Vec<f64>,
    /// The message's custom metadata: every key once, with its latest value, in the place of its first.
    pub metadata: Vec<(String, String)>,
    /// For a dictionary batch: its id, and whether it adds to what came before.
    pub dictionary: Option<(i64, bool)>,
}

/// Where a message's metadata ends, and where it starts.
struct Frame {
    head_bytes: usize,
    metadata_start: usize,
}

/// Parses one encapsulated record batch or dictionary batch message of `message_bytes` bytes.
///
/// `head` is a prefix of it that holds at least its head (continuation marker, length, metadata) or, where the
/// message is shorter than its head claims, all of it. CORRUPT for any offset or length that the bytes cannot hold.
pub fn parse_batch(head: &[u8], message_bytes: u64) -> Result<BatchLayout> {
    let Some(frame) = read_frame(head)? else {
        return Err(not_a_batch());
    };
    let source = Source::new(&head[frame.metadata_start..frame.head_bytes]);
    let message = source.root()?;
    let kind = message.int8(1)?;
    let body_bytes = message.count(3)?;
    if kind != RECORD_BATCH && kind != DICTIONARY_BATCH {
        return Err(not_a_batch());
    }
    let head_bytes = frame.head_bytes as f64;
    if head_bytes + body_bytes != message_bytes as f64 {
        return Err(cut());
    }

    let header = message.table(2)?;
    let is_dictionary = kind == DICTIONARY_BATCH;
    let inner = match &header {
        Some(table) if is_dictionary => table.table(1)?,
        _ => None,
    };
    let Some(header) = header else {
        return Err(not_a_batch());
    };
    let batch = if is_dictionary {
        inner.as_ref()
    } else {
        Some(&header)
    };
    let Some(batch) = batch else {
        return Err(not_a_batch());
    };

    let mut buffers = batch.counts(2, 2)?;
    for (i, place) in buffers.chunks_exact_mut(2).enumerate() {
        if place[0] + place[1] > body_bytes {
            return Err(Error::corrupt(format!(
                "Arrow buffer {i} lies outside the message's body"
            )));
        }
        place[0] += head_bytes;
    }
    // The fields are read in this order: where two are damaged, the error names the first.
    Ok(BatchLayout {
        rows: batch.count(0)?,
        codec: read_codec(batch.table(3)?)?,
        nodes: batch.nodes(1)?,
        buffers,
        variadic: batch.counts(4, 1)?,
        metadata: message.key_values(4)?,
        dictionary: if is_dictionary {
            Some((header.int64(0)?, header.bool(2)?))
        } else {
            None
        },
    })
}

/// The frame of an encapsulated message: continuation marker (4 bytes, left out before Arrow 0.15), metadata length
/// (int32), metadata, padding. None at the end-of-stream marker.
fn read_frame(head: &[u8]) -> Result<Option<Frame>> {
    let word = |at: usize| match head.get(at..at + 4) {
        Some(bytes) => Ok(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
        None => Err(cut()),
    };
    let first = word(0)?;
    let (metadata_start, length) = if first == -1 { (8, word(4)?) } else { (4, first) };
    if length == 0 {
        return Ok(None);
    }
    if length < 0 || length as usize > head.len() - metadata_start {
        return Err(cut());
    }
    Ok(Some(Frame {
        head_bytes: metadata_start + length as usize,
        metadata_start,
    }))
}

/// Message.fbs, BodyCompression: codec, method (0 = every buffer on its own).
fn read_codec(compression: Option<Table>) -> Result<Codec> {
    let Some(compression) = compression else {
        return Ok(Codec::None);
    };
    let codec = compression.int8(0)?;
    if !(0..=1).contains(&codec) || compression.int8(1)? != 0 {
        return Err(Error::unsupported(format!(
            "Arrow batch is compressed by codec {codec}: wanted LZ4 frame (0) or ZSTD (1)"
        )));
    }
    Ok(if codec == 0 { Codec::Lz4 } else { Codec::Zstd })
}

fn not_a_batch() -> Error {
    Error::corrupt("Arrow message is not a record batch")
}

fn cut() -> Error {
    Error::corrupt("Arrow message is cut or has a wrong length")
}
