"""Writes streams.json: Arrow IPC streams in base64, as pyarrow makes them, with what our own encoder never writes."""

import base64
import json
import pathlib

import pyarrow as pa

TEXTS = ["short", None, "longer than the twelve bytes of a view", "", "ünï, and long enough too"]
TIMES = [-(2**63), 0, 1_700_000_000_000_000_001, 2**63 - 1, 2**63 - 1]


def stream(compression, text, binary):
    schema = pa.schema([("timestamp_ns", pa.int64()), ("text", text), ("blob", binary), ("serial", pa.int64())])
    blobs = [None if each is None else each.encode() for each in TEXTS]
    batch = pa.record_batch(
        [pa.array(TIMES, pa.int64()), pa.array(TEXTS, text), pa.array(blobs, binary), pa.array(TIMES, pa.int64())],
        schema=schema,
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        # Enough that compressing it saves something.
        writer.write_batch(batch)
        writer.write_batch(pa.record_batch([pa.array([2**63 - 1] * 30, pa.int64())] + [
            pa.array([value] * 30, column.type) for value, column in zip(["x" * 20, b"y" * 20, 7], batch.columns[1:])
        ], schema=schema))
    return base64.b64encode(sink.getvalue().to_pybytes()).decode()


kinds = {"": (pa.utf8(), pa.binary()), " views": (pa.string_view(), pa.binary_view())}
streams = {
    f"{compression or 'plain'}{kind}": stream(compression, *types)
    for compression in (None, "lz4", "zstd")
    for kind, types in kinds.items()
}
pathlib.Path(__file__).with_name("streams.json").write_text(json.dumps(streams, indent=2) + "\n")
