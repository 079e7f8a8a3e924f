use mcap::sans_io::{IndexedReadEvent, IndexedReader, IndexedReaderOptions};
use mcap::Summary;
use memmap2::Mmap;
use std::{error::Error, fs::File, time::Instant};

/// Sums in the order of the messages: adding floats in another order gives another sum.
#[derive(Default)]
struct Tally {
    count: u64,
    sum: f64,
    last: u64,
}

impl Tally {
    fn add(&mut self, time: u64, data: &[u8]) {
        assert!(time >= self.last);
        self.count += 1;
        self.sum += f64::from_le_bytes(data[..8].try_into().unwrap());
        self.last = time;
    }
}

pub fn time(path: &str, rounds: u32, topic: &str, count: u64, sum: f64) -> Result<(), Box<dyn Error>> {
    // SAFETY: nobody writes to the file meanwhile.
    let file = unsafe { Mmap::map(&File::open(path)?)? };
    let (mut merged, mut one) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..rounds {
        let start = Instant::now();
        let all = read_indexed(&file, IndexedReaderOptions::new())?;
        merged = merged.min(start.elapsed().as_nanos() as f64 / all.count as f64);
        assert_eq!((all.count, all.sum), (count, sum));

        let start = Instant::now();
        let some = read_indexed(&file, IndexedReaderOptions::new().include_topics([topic]))?;
        one = one.min(start.elapsed().as_nanos() as f64 / some.count as f64);
    }
    println!("{{\"merged\":{merged:.1},\"topic\":{one:.1}}}");
    Ok(())
}

/// By the fastest of the crate's readers: `RawMessageStream` takes three times as long.
fn read_indexed(file: &[u8], options: IndexedReaderOptions) -> Result<Tally, Box<dyn Error>> {
    let summary = Summary::read(file)?.ok_or("the file has no summary")?;
    let mut reader = IndexedReader::new_with_options(&summary, options)?;
    let mut tally = Tally::default();
    while let Some(event) = reader.next_event() {
        match event? {
            IndexedReadEvent::Message { header, data } => tally.add(header.log_time, data),
            IndexedReadEvent::ReadChunkRequest { offset, length } => {
                let start = offset as usize;
                reader.insert_chunk_record_data(offset, &file[start..start + length])?;
            }
        }
    }
    Ok(tally)
}
