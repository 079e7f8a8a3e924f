"""Prints what pyarrow, DuckDB and polars read of the files in a directory, as JSON: one value a line."""
import json
import math
import sys

import duckdb
import polars
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet


def plain(value):
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, int) and abs(value) > 2**53:
        return str(value)
    return value


directory = sys.argv[1]
parquet = pyarrow.parquet.read_table(f"{directory}/t.parquet")
arrow = pyarrow.ipc.open_file(f"{directory}/t.arrow").read_all()
time = parquet.schema.field("timestamp_ns")
print(json.dumps({
    "type": str(time.type),
    "topic": parquet.schema.metadata[b"smalti:topic"].decode(),
    "times": [str(ns) for ns in parquet["timestamp_ns"].cast("int64").to_pylist()[:2]],
    "parquet": plain(parquet.drop(["timestamp_ns"]).slice(0, 2).to_pylist()),
    "arrow": plain(arrow.drop(["timestamp_ns"]).slice(0, 2).to_pylist()),
    "polars": [
        plain(polars.read_parquet(f"{directory}/t.parquet").drop("timestamp_ns").head(2).to_dicts()),
        plain(polars.read_ipc(f"{directory}/t.arrow", memory_map=False).drop("timestamp_ns").head(2).to_dicts()),
    ],
    "duckdb": duckdb.sql(
        f"select count(*), sum(count)::varchar, sum(epoch_ns(timestamp_ns))::varchar from '{directory}/t.parquet'"
    ).fetchall(),
    "csv": duckdb.sql(
        f"select count(*), sum(count::hugeint)::varchar, sum(timestamp_ns)::varchar from read_csv('{directory}/t.csv')"
    ).fetchall(),
}))
