use mcap::{records::MessageHeader, Compression, WriteOptions};
use std::{collections::BTreeMap, error::Error, io::Cursor, time::Instant};

/// As our exports have it.
const CHUNK_BYTES: u64 = 1 << 20;

pub fn time(messages: &[mcap::Message], rounds: u32, compressions: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut least = BTreeMap::new();
    for _ in 0..rounds {
        for name in compressions {
            let start = Instant::now();
            let written = write(messages, compression(name)?)?;
            let ns = start.elapsed().as_nanos() as f64 / messages.len() as f64;
            let count = mcap::Summary::read(&written)?
                .and_then(|summary| summary.stats)
                .unwrap()
                .message_count;
            assert_eq!(count, messages.len() as u64);
            let best = least.entry(*name).or_insert(ns);
            *best = ns.min(*best);
        }
    }
    let parts: Vec<String> = least
        .iter()
        .map(|(name, ns)| format!("\"{name}\":{ns:.1}"))
        .collect();
    println!("{{{}}}", parts.join(","));
    Ok(())
}

pub fn compression(name: &str) -> Result<Option<Compression>, String> {
    match name {
        "none" => Ok(None),
        "lz4" => Ok(Some(Compression::Lz4)),
        "zstd" => Ok(Some(Compression::Zstd)),
        _ => Err(format!("compression is {name}: wanted none, lz4 or zstd")),
    }
}

pub fn write(messages: &[mcap::Message], compression: Option<Compression>) -> mcap::McapResult<Vec<u8>> {
    let mut sink = Cursor::new(Vec::new());
    let options = WriteOptions::new()
        .chunk_size(Some(CHUNK_BYTES))
        .compression(compression);
    let mut writer = options.create(&mut sink)?;
    let mut channels = BTreeMap::new();
    for message in messages {
        let channel = &message.channel;
        let channel_id = match channels.get(&channel.id) {
            Some(id) => *id,
            None => {
                let schema_id = match &channel.schema {
                    Some(schema) => writer.add_schema(&schema.name, &schema.encoding, &schema.data)?,
                    None => 0,
                };
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
