//! Any bytes as records of fixed plans, one of each encoding, that have every kind of step, field and column: no panic, a row for
//! each record, and no more bytes than a record may become.

#![no_main]

use libfuzzer_sys::fuzz_target;
use smalti_core::records::Decoder;

/// Words of a column: kind, argument, descendants.
type Column = [i32; 3];
const fn fixed(bytes: i32) -> Column {
    [0, bytes, 0]
}
const BOOL: Column = [1, 0, 0];
const BYTES: Column = [2, 0, 0];
const fn list(descendants: i32) -> Column {
    [3, 0, descendants]
}
const fn structure(descendants: i32) -> Column {
    [4, 0, descendants]
}
const fn array(items: i32, descendants: i32) -> Column {
    [5, items, descendants]
}

/// Columns and code for what comes field after field.
fn sequential() -> (Vec<Column>, Vec<i32>) {
    let columns = vec![
        fixed(8),
        fixed(8),
        BYTES,
        BYTES,
        BYTES,
        BYTES,
        list(1), // 6
        fixed(8),
        list(1), // 8
        BOOL,
        list(5), // 10
        structure(4),
        BYTES,
        array(3, 1), // 13
        fixed(2),
        structure(0), // 15
        array(2, 1),  // 16
        BYTES,
        BOOL, // 18
    ];
    let code = [
        [12, 0, 8, 2],
        [1, 2, 1, 0],
        [2, 3, 0, 0],
        [3, 4, 5, 0],
        [10, 5, 6, 0],
        [4, 6, 8, 0],
        [8, 8, 0, 0],
        [9, 2, 3, 0],
        [5, 10, 3, 10],
        [1, 12, 1, 0],
        [0, 14, 2, 3],
        [11, 15, 0, 0],
        [6, 2, 1, 0],
        [1, 17, 0, 0],
        [7, 18, 1, 0],
    ];
    (columns, code.concat())
}

/// Columns and code for a message with every kind of field, twice: as they are, and repeated.
fn protobuf() -> (Vec<Column>, Vec<i32>) {
    let scalars = [
        BOOL,
        fixed(4),
        fixed(8),
        fixed(4),
        fixed(8),
        fixed(4),
        fixed(8),
        BYTES,
        BYTES,
    ];
    let mut columns = scalars.to_vec();
    for column in scalars {
        columns.extend([list(1), column]);
    }
    let nested = columns.len() as i32;
    columns.extend([
        structure(1),
        fixed(8),
        list(2),
        structure(1),
        fixed(8),
        structure(0),
    ]);
    let count = 21;
    let tables = 3 + 6 * count;
    let mut code = vec![count, -1, 0];
    for kind in 0..9 {
        code.extend([1 + kind, kind, kind, 2 * (kind & 1), 0, (kind >> 1) & 1]);
    }
    for kind in 0..9 {
        code.extend([10 + kind, kind, 9 + 2 * kind, 1, 0, 0]);
    }
    code.extend([19, 9, nested, 2, tables, 0]);
    code.extend([20, 9, nested + 2, 1, tables + 9, 0]);
    code.extend([21, 10, nested + 5, 2, tables + 18, 0]);
    code.extend([1, -1, 8, 1, 2, nested + 1, 0, 0, 0]);
    code.extend([1, -1, 8, 1, 4, nested + 4, 2, 0, 0]);
    code.extend([0, nested + 5, 1]);
    (columns, code)
}

/// Columns and code for a table with every kind of field, whose struct has an array.
fn flat() -> (Vec<Column>, Vec<i32>) {
    let columns = vec![
        fixed(8),
        BOOL,
        structure(3), // 2
        fixed(2),
        array(3, 1),
        fixed(1),
        BYTES, // 6
        BYTES,
        structure(1), // 8
        BYTES,
        list(1), // 10
        fixed(4),
        list(1), // 12
        BOOL,
        list(4), // 14
        structure(3),
        fixed(2),
        array(3, 1),
        fixed(1),
        list(1), // 19
        BYTES,
        list(2), // 21
        structure(1),
        BYTES,
        structure(4), // 24
        structure(1),
        BYTES,
        structure(1), // 27
        BYTES,
    ];
    let count = 14;
    let header = 4;
    let mut at = header + 8 * count;
    let mut rest = Vec::new();
    let mut add = |words: Vec<i32>| {
        let place = at;
        at += words.len() as i32;
        rest.extend(words);
        place
    };
    let mut record = |first: i32| {
        let mut words = vec![3, -1, 5, 0];
        words.extend([0, 0, first, 2, 0, 0, 0, 0]);
        words.extend([2, 3, first + 1, 3, 0, 0, 0, 0]);
        words.extend([0, 0, first + 2, 1, 0, 1, 0, 0]);
        add(words)
    };
    let structs = [record(3), record(16)];
    let mut table = |column: i32| add(vec![1, -1, 4, 6, 4, 4, column, 0, 0, 1, 0, 0]);
    let tables = [table(9), table(23), table(26), table(28)];
    let union = add(vec![2, 1, tables[2], 25, 2, tables[3], 27]);
    let mut code = vec![count, -1, 0, 4 + 2 * (count + 1)];
    let fields = [
        [0, 0, 8, 0, 0, 1],
        [1, 1, 0, 0, 1, 1],
        [2, 2, 0, structs[0], 1, 0],
        [4, 6, 0, 0, 1, 0],
        [5, 7, 0, 0, 1, 0],
        [6, 8, 0, tables[0], 1, 0],
        [7, 10, 4, 0, 1, 0],
        [8, 12, 1, 0, 1, 0],
        [9, 14, 5, structs[1], 1, 0],
        [10, 19, 4, 0, 1, 0],
        [11, 21, 4, tables[1], 1, 0],
        [13, 0, 0, 0, 0, 0],
        [12, 24, 0, union, 1, 0],
        [13, 0, 0, 0, 0, 0],
    ];
    for (index, [kind, column, width, table, is_null, low]) in fields.into_iter().enumerate() {
        code.extend([4 + 2 * index as i32, kind, column, width, table, is_null, low, 0]);
    }
    code.extend(rest);
    (columns, code)
}

fuzz_target!(|input: (u8, Vec<Vec<u8>>)| {
    let (encoding, records) = input;
    let encoding = u32::from(encoding % 5);
    let (columns, code) = match encoding {
        3 => protobuf(),
        4 => flat(),
        _ => sequential(),
    };
    let mut decoder = Decoder::new(encoding, &columns.concat(), &code).unwrap();
    let most: usize = records
        .iter()
        .map(|record| 256 * record.len() + (1 << 16) + 1024)
        .sum();
    let (mut chunk, mut spans) = (Vec::new(), Vec::new());
    for record in &records {
        spans.push(chunk.len() as i32);
        chunk.extend(record);
        spans.push(chunk.len() as i32);
    }
    let mut statuses = vec![255; records.len()];
    // Twice, since what is left of a record that failed is taken back from columns that hold others.
    decoder.decode(&chunk, &spans, &mut statuses);
    let first = statuses.clone();
    decoder.decode(&chunk, &spans, &mut statuses);
    assert_eq!(statuses, first);
    assert!(statuses.iter().all(|&status| status <= 7));
    assert_eq!(decoder.rows(), 2 * records.len());
    let (mut nodes, mut bytes) = (Vec::new(), 0);
    decoder.collect(&mut nodes, |buffer| bytes += buffer.len());
    assert_eq!(nodes.len(), 2 * columns.len());
    assert!(bytes <= 2 * most + 1024, "{bytes} bytes of at most {most}");
});
