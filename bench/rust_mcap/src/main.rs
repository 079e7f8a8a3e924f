//! What the Rust crate `mcap` takes, for the benchmarks to compare with: prints JSON of ns a message, the least of some rounds.
//!
//! - `rust_mcap write FILE ROUNDS COMPRESSION...`: writing the messages of a file anew, from memory into memory;
//! - `rust_mcap replay FILE ROUNDS TOPIC COUNT SUM`: reading the time and the first float64 of every message of a file that is
//!   mapped into memory, and of those of one topic. COUNT and SUM are those of all messages, and are checked;
//! - `rust_mcap copy FILE TO COMPRESSION`: what `replay` is to read, in the crate's own chunks.

mod replay;
mod write;

use mcap::MessageStream;
use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["write", file, rounds, ref compressions @ ..] => {
            let file = fs::read(file)?;
            let messages = MessageStream::new(&file)?.collect::<Result<Vec<_>, _>>()?;
            write::time(&messages, rounds.parse()?, compressions)
        }
        ["replay", file, rounds, topic, count, sum] => {
            replay::time(file, rounds.parse()?, topic, count.parse()?, sum.parse()?)
        }
        ["copy", file, to, compression] => {
            let file = fs::read(file)?;
            let messages = MessageStream::new(&file)?.collect::<Result<Vec<_>, _>>()?;
            Ok(fs::write(
                to,
                write::write(&messages, write::compression(compression)?)?,
            )?)
        }
        _ => Err("wanted write, replay or copy with their arguments".into()),
    }
}
