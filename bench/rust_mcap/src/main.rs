//! Writes the messages of an MCAP file anew with the crate `mcap`, from memory into memory, one channel a topic, and
//! prints as JSON the least ns a message of some rounds for each compression.
//!
//! `rust_mcap FILE ROUNDS`

use mcap::{records::MessageHeader, Compression, MessageStream, WriteOptions};
use std::{collections::BTreeMap, env, fs, io::Cursor, time::Instant};

/// As our exports have it.
const CHUNK_BYTES: u64 = 1 << 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().collect();
    let file = fs::read(&arguments[1])?;
    let rounds: u32 = arguments[2].parse()?;
    let messages = MessageStream::new(&file)?.collect::<Result<Vec<_>, _>>()?;
    let mut least = BTreeMap::new();
    for _ in 0..rounds {
        for (name, compression) in
            [("none", None), ("lz4", Some(Compression::Lz4)), ("zstd", Some(Compression::Zstd))]
        {
            let start = Instant::now();
            let written = write(&messages, compression)?;
            let ns = start.elapsed().as_nanos() as f64 / messages.len() as f64;
            let count = mcap::Summary::read(&written)?.and_then(|summary| summary.stats).unwrap().message_count;
            assert_eq!(count, messages.len() as u64);
            let best = least.entry(name).or_insert(ns);
            *best = ns.min(*best);
        }
    }
    println!(
        "{{\"messages\":{},\"none\":{:.1},\"lz4\":{:.1},\"zstd\":{:.1}}}",
        messages.len(),
        least["none"],
        least["lz4"],
        least["zstd"]
    );
    Ok(())
}

fn write(messages: &[mcap::Message], compression: Option<Compression>) -> mcap::McapResult<Vec<u8>> {
    let mut sink = Cursor::new(Vec::new());
    let options = WriteOptions::new().chunk_size(Some(CHUNK_BYTES)).compression(compression);
    let mut writer = options.create(&mut sink)?;
    let mut channels = BTreeMap::new();
    for message in messages {
        let channel = &message.channel;
        let channel_id = match channels.get(&channel.id) {
            Some(id) => *id,
            None => {
                let schema = channel.schema.as_ref().unwrap();
                let schema_id = writer.add_schema(&schema.name, &schema.encoding, &schema.data)?;
                let id = writer.add_channel(
                    schema_id,
                    &channel.topic,
                    &channel.message_encoding,
                    &channel.metadata,
                )?;
                channels.insert(channel.id, id);
                id
            }
        };
        let header = MessageHeader {
            channel_id,
            sequence: message.sequence,
            log_time: message.log_time,
            publish_time: message.publish_time,
        };
        writer.write_to_known_channel(&header, &message.data)?;
    }
    writer.finish()?;
    drop(writer);
    Ok(sink.into_inner())
}
