"""Writes streams.json: Arrow IPC streams in base64, as pyarrow makes them, with what our own encoder never writes."""

import base64
import decimal
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


def encoded():
    """Everything that is not where its row is: dictionaries that are replaced and that grow, lists in any order, runs."""
    words = lambda values, indices: pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8()), pa.array(values))
    batch = lambda times, word, lists, run, price: [
        pa.array(times, pa.int64()), word, pa.ListViewArray.from_arrays(*(pa.array(each, pa.int32()) for each in lists[:2]), lists[2]),
        run, pa.array([decimal.Decimal(each) for each in price], pa.decimal128(6, 2)),
        pa.StructArray.from_arrays([word], names=["side"]),
    ]
    run = lambda ends, values: pa.RunEndEncodedArray.from_arrays(pa.array(ends, pa.int16()), pa.array(values, pa.utf8()))
    batches = [
        batch([1, 2, 3], words(["a", "b"], [1, None, 0]), ([1, 0, 0], [1, 2, 0], words(["x", "y"], [0, 1])), run([2, 3], ["on", "off"]), ["1.50", "-0.01", "0"]),
        batch([4, 5], words(["a", "b", "c"], [2, 1]), ([0, 0], [1, 1], words(["z"], [0])), run([2], [None]), ["9999.99", "7"]),
        batch([6], words(["q"], [0]), ([0], [0], words([""], [0])), run([1], ["on"]), ["0.10"]),
    ]
    names = ["timestamp_ns", "word", "list", "run", "price", "inner"]
    sink = pa.BufferOutputStream()
    schema = pa.schema([pa.field(name, column.type) for name, column in zip(names, batches[0])])
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)) as writer:
        for columns in batches:
            writer.write_batch(pa.record_batch(columns, schema=schema))
    return base64.b64encode(sink.getvalue().to_pybytes()).decode()


kinds = {"": (pa.utf8(), pa.binary()), " views": (pa.string_view(), pa.binary_view())}
streams = {
    f"{compression or 'plain'}{kind}": stream(compression, *types)
    for compression in (None, "lz4", "zstd")
    for kind, types in kinds.items()
} | {"encoded": encoded()}
pathlib.Path(__file__).with_name("streams.json").write_text(json.dumps(streams, indent=2) + "\n")
