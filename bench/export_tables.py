"""pyarrow as the rival of tables: `export_tables.py FILE ROUNDS` writes the table of an Arrow file from memory into memory
in each format, and prints as JSON the least ns a row of some rounds on one processor."""

import json
import sys
import time

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet

pa.set_cpu_count(1)
pa.set_io_thread_count(1)
table = pa.ipc.open_file(sys.argv[1]).read_all()
# As ours have them.
WRITERS = {
    "parquet": lambda sink: pa.parquet.write_table(table, sink, compression="snappy", row_group_size=131_072),
    "arrow": lambda sink: pa.feather.write_feather(table, sink, compression="lz4"),
    "csv": lambda sink: pa.csv.write_csv(table.flatten(), sink),
}

costs = {}
for _ in range(int(sys.argv[2])):
    for name, write in WRITERS.items():
        sink = pa.BufferOutputStream()
        start = time.process_time_ns()
        try:
            write(sink)
        except pa.ArrowInvalid:
            # No CSV of lists.
            continue
        cost = (time.process_time_ns() - start) / table.num_rows
        costs[name] = min(cost, costs.get(name, cost))
print(json.dumps(costs))
