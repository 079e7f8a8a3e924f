//! Records of one schema -> Arrow columns.
//!
//! What is known of a schema is compiled once (in TypeScript, `src/record_plan.ts` has the words) into a plan: the
//! columns, and code that a small interpreter runs for each record. It makes no object for a record and reads nothing
//! outside of it. A record that does not fit leaves a row of nulls and a status that says why.

mod blocks;
mod column;
mod flat;
mod protobuf;
mod sequential;

use column::Column;
use core::ops::Range;

/// What became of a record. `Short` to `Large` leave nulls in every column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    Fits = 0,
    /// A text is no UTF-8; it is in its column with U+FFFD for what is none.
    Text = 1,
    /// It has fields that its definition has not.
    Extra = 2,
    /// It ends before its last field.
    Short = 3,
    /// It goes on after its last field.
    Long = 4,
    /// It is encoded in a way that is not read.
    Encoding = 5,
    /// It breaks a rule of its encoding.
    Broken = 6,
    /// A column would pass 2 GiB.
    Large = 7,
    /// It fits, but has bytes that do not follow from its values: padding that is not zero, the encapsulation of another writer.
    Unusual = 8,
    /// It fits, and zeros follow up to a multiple of 4 bytes, as some writers of CDR leave them.
    Padded = 9,
}

/// Bytes that a record of Protocol Buffers or FlatBuffers may become for each that it has, and beside that and a row in which
/// all is absent. Items of lists may be absent all but for a few bytes, and parts of FlatBuffers shared.
const MAX_GROWTH: u64 = 256;
const FREE_BYTES: u64 = 1 << 16;

/// What may still be appended for a record, in bytes.
struct Budget(u64);

impl Budget {
    fn of(record: &[u8]) -> Self {
        Self(record.len() as u64 * MAX_GROWTH + FREE_BYTES)
    }

    #[inline]
    fn spend(&mut self, bytes: u64) -> Outcome<()> {
        self.0 = self.0.checked_sub(bytes).ok_or(Status::Broken)?;
        Ok(())
    }
}

type Outcome<T> = core::result::Result<T, Status>;

/// How records are encoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// CDR of OMG DDS, by its encapsulation header little or big endian, XCDR version 1 or 2.
    Cdr,
    /// Little-endian fields one after another, and nothing after the last: ROS 1.
    Packed,
    /// The same, with anything after the last: PX4's ULog.
    PackedPrefix,
    /// Protocol Buffers.
    Protobuf,
    /// FlatBuffers.
    Flat,
}

/// Decodes records of one schema and collects their columns.
pub struct Decoder {
    encoding: Encoding,
    code: Vec<i32>,
    columns: Vec<Column>,
    rows: usize,
    slots: Vec<protobuf::Slot>,
    program: sequential::Program,
}

impl Decoder {
    /// `columns` has three words a column in depth-first order: its kind, its kind's argument, its number of descendants.
    /// None where the words are no plan.
    pub fn new(encoding: u32, columns: &[i32], code: &[i32]) -> Option<Self> {
        let encoding = match encoding {
            0 => Encoding::Cdr,
            1 => Encoding::Packed,
            2 => Encoding::PackedPrefix,
            3 => Encoding::Protobuf,
            4 => Encoding::Flat,
            _ => return None,
        };
        let program = match encoding {
            Encoding::Protobuf | Encoding::Flat => sequential::Program::new(&[], false),
            Encoding::Cdr | Encoding::Packed => sequential::Program::new(code, true),
            Encoding::PackedPrefix => sequential::Program::new(code, false),
        };
        Some(Self {
            encoding,
            code: code.to_vec(),
            columns: column::all(columns)?,
            rows: 0,
            slots: Vec::new(),
            program,
        })
    }

    /// Rows collected so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes collected so far.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(Column::bytes).sum()
    }

    /// Decodes the records that lie in `bytes` at `spans` (begin and end of each), and gives each its status.
    pub fn decode(&mut self, bytes: &[u8], spans: &[i32], statuses: &mut [u8]) {
        for (span, status) in spans.chunks_exact(2).zip(statuses) {
            let record = span[0] as usize..span[1] as usize;
            let is_inside = record.start <= record.end && record.end <= bytes.len();
            *status = self.decode_one(bytes, if is_inside { record } else { 0..0 }) as u8;
        }
        self.program.gather(&mut self.columns, bytes);
    }

    fn decode_one(&mut self, chunk: &[u8], record: Range<usize>) -> Status {
        let (columns, code) = (&mut self.columns[..], &self.code[..]);
        let outcome = match self.encoding {
            Encoding::Cdr => self.program.cdr(columns, chunk, record),
            Encoding::Packed | Encoding::PackedPrefix => self.program.packed(columns, chunk, record),
            Encoding::Flat => flat::buffer(columns, code, &chunk[record]),
            Encoding::Protobuf => protobuf::message(columns, code, &chunk[record], &mut self.slots),
        };
        let status = match outcome {
            Ok(status) => status,
            Err(status) => {
                self.slots.clear();
                self.program.gather(&mut self.columns, chunk);
                self.skip_row();
                status
            }
        };
        self.rows += 1;
        status
    }

    /// Takes back what the record that failed has left, and puts nulls in its place.
    fn skip_row(&mut self) {
        let mut at = 0;
        while at < self.columns.len() {
            column::truncate(&mut self.columns, at, self.rows);
            column::append_null(&mut self.columns, at);
            at = self.columns[at].next;
        }
    }

    /// Hands over what was collected: per column in depth-first order its length and null count, and its buffers as the
    /// Arrow columnar format orders them. The buffers are valid until `reset`.
    pub fn collect(&mut self, nodes: &mut Vec<f64>, mut buffer: impl FnMut(&[u8])) {
        let mut at = 0;
        while at < self.columns.len() {
            column::collect(&mut self.columns, at, self.rows, nodes, &mut buffer);
            at = self.columns[at].next;
        }
    }

    /// Forgets what was collected; its memory is used again, unless it was much.
    pub fn reset(&mut self) {
        self.rows = 0;
        self.columns.iter_mut().for_each(Column::clear);
    }
}
