"""Writes Arrow IPC files of everything that pyarrow writes and smalti reads: write_files.py DIRECTORY. Beside each
NAME.arrow is NAME.json with its batches' rows."""

import datetime
import decimal
import json
import pathlib
import random
import sys

import pyarrow as pa

from values import rows

random.seed(20_26)
directory = pathlib.Path(sys.argv[1])
TIME = pa.field("timestamp_ns", pa.int64(), nullable=False)
CODECS = [None, "lz4", "zstd"]


def write(name, fields, batches, codec=None, first_ns=0, **options):
    """Batches are lists of columns; the times are counted up over all of them."""
    schema = pa.schema([TIME, *fields], metadata={"made by": "pyarrow", "ключ": "значение"})
    made = []
    at = first_ns
    for columns in batches:
        length = len(columns[0]) if columns else 1
        times = pa.array(range(at, at + length), pa.int64())
        at += length
        made.append(pa.record_batch([times, *columns], schema=schema))
    ipc = pa.ipc.IpcWriteOptions(compression=codec, **options)
    path = directory / f"{name}-{codec or 'none'}.arrow"
    with pa.ipc.new_file(path, schema, options=ipc, metadata={"a footer's": "metadata"}) as writer:
        for batch in made:
            writer.write_batch(batch)
    expected = [rows(batch) for batch in made]
    path.with_suffix(".json").write_text(json.dumps(expected))


def with_nulls(make, length, share=0.2):
    return [None if random.random() < share else make(i) for i in range(length)]


def primitives(length):
    ints = lambda bits, signed: lambda _: random.randrange(-(2 ** (bits - 1)), 2 ** (bits - 1)) + (
        0 if signed else 2 ** (bits - 1)
    )
    columns = {"ok": (pa.bool_(), lambda i: random.random() < 0.5)}
    for bits, signed in [(b, s) for b in (8, 16, 32, 64) for s in (True, False)]:
        name = f"{'' if signed else 'u'}int{bits}"
        columns[name] = (getattr(pa, name)(), ints(bits, signed))
    columns["float16"] = (pa.float16(), lambda i: random.choice([0.0, -0.0, 1.5, 65504.0, float("inf"), float("nan"), 6e-8]))
    columns["float32"] = (pa.float32(), lambda i: random.gauss(0, 1e30))
    columns["float64"] = (pa.float64(), lambda i: random.gauss(0, 1e300))
    text = lambda i: random.choice(["", "base_link", "état", "日本語", "🛰️" * i, "\ufeffbom", "a\0b"])
    columns["utf8"] = (pa.string(), text)
    columns["large_utf8"] = (pa.large_string(), text)
    columns["binary"] = (pa.binary(), lambda i: random.randbytes(i % 7))
    columns["large_binary"] = (pa.large_binary(), lambda i: random.randbytes(i % 7))
    columns["fixed"] = (pa.binary(5), lambda i: random.randbytes(5))
    columns["null"] = (pa.null(), lambda i: None)
    fields, arrays = [], []
    for name, (kind, make) in columns.items():
        fields.append(pa.field(name, kind))
        arrays.append(pa.array(with_nulls(make, length), kind))
        fields.append(pa.field(f"{name}_set", kind, nullable=name == "null"))
        arrays.append(pa.array([make(i) for i in range(length)], kind))
    return fields, arrays


def nested(length):
    point = pa.struct([pa.field("x", pa.float64()), pa.field("tag", pa.string())])
    make_point = lambda i: None if i % 5 == 0 else {"x": None if i % 3 == 0 else i / 7, "tag": None if i % 2 == 0 else f"t{i}"}
    columns = {
        "floats": (pa.list_(pa.float32()), lambda i: [j / 2 for j in range(i % 4)]),
        "ints": (pa.large_list(pa.int64()), lambda i: with_nulls(lambda j: 2**60 + j, i % 5)),
        "texts": (pa.list_(pa.string()), lambda i: with_nulls(str, i % 4)),
        "matrix": (pa.list_(pa.float64(), 9), lambda i: [j + i for j in range(9)]),
        "flags": (pa.list_(pa.bool_(), 3), lambda i: with_nulls(lambda j: j == i % 3, 3)),
        "point": (point, make_point),
        "points": (pa.list_(point), lambda i: [make_point(j) for j in range(i % 4)]),
        "deep": (pa.list_(pa.list_(pa.list_(pa.int8()))), lambda i: [[[1, 2], []], [], [[i % 100]]][: i % 4]),
        "map": (pa.map_(pa.string(), pa.int32()), lambda i: [(f"k{j}", None if j == 1 else j) for j in range(i % 3)]),
        "maps": (pa.map_(pa.int8(), point), lambda i: [(j, make_point(j)) for j in range(i % 3)]),
        "sets": (pa.struct([pa.field("a", pa.list_(pa.uint8())), pa.field("b", pa.list_(pa.int16(), 2))]),
                 lambda i: {"a": list(range(i % 9)), "b": None if i % 4 == 0 else [i % 50, -1]}),
        "empty": (pa.struct([]), lambda i: {}),
        "nothing": (pa.list_(pa.null()), lambda i: [None] * (i % 3)),
    }
    fields = [pa.field(name, kind) for name, (kind, _) in columns.items()]
    return fields, [pa.array(with_nulls(make, length), kind) for kind, make in columns.values()]


def dictionaries():
    texts = pa.array(["left", "right", None, "front"])
    words = lambda *indices: pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8()), texts)
    points = pa.array([{"x": 1, "y": None}, None, {"x": None, "y": None}])
    spots = lambda *indices: pa.DictionaryArray.from_arrays(pa.array(indices, pa.uint16()), points)
    numbers = lambda *indices: pa.DictionaryArray.from_arrays(pa.array(indices, pa.int64()), pa.array([1.5, -2.5]))
    inner = lambda *indices: pa.StructArray.from_arrays([words(*indices)], names=["side"])
    lists = lambda *indices: pa.ListArray.from_arrays(pa.array([0, 1, 1, len(indices)]), words(*indices))
    fields = [
        pa.field("word", words(0).type),
        pa.field("spot", spots(0).type),
        pa.field("number", numbers(0).type),
        pa.field("inner", inner(0).type),
        pa.field("list", lists(0, 0, 0).type),
    ]
    batch = lambda a, b, c: [words(a, b, c), spots(0, b, 2), numbers(None, 0, 1), inner(c, b, a), lists(a, c, b)]
    return fields, [batch(0, 1, 2), batch(3, None, 3), batch(2, 2, 2)]


def views():
    texts = ["", "twelve chars", "thirteen char", "a text of many more than twelve bytes " * 3, None, "ä" * 6, "日本語日本語"]
    blobs = [b"", b"x" * 12, b"y" * 13, random.randbytes(5000), None, b"\xff\xfe", b"z" * 200]
    fields = [pa.field("text", pa.string_view()), pa.field("blob", pa.binary_view()),
              pa.field("texts", pa.list_(pa.string_view()))]
    column = lambda values, kind: pa.array(values, kind)
    batch = lambda turn: [
        column(texts[turn:] + texts[:turn], pa.string_view()),
        column(blobs[turn:] + blobs[:turn], pa.binary_view()),
        column([texts[:i] for i in range(7)], pa.list_(pa.string_view())),
    ]
    # All inline: no data buffer at all.
    short = [column(["a", None], pa.string_view()), column([b"", b"b"], pa.binary_view()),
             column([[], ["c"]], pa.list_(pa.string_view()))]
    # Several data buffers in one column.
    long = pa.concat_arrays([column([texts[3] + str(i)] * 3, pa.string_view()) for i in range(4)])
    several = [long, column([b"q" * 40] * 12, pa.binary_view()), column([[t] for t in long.to_pylist()], pa.list_(pa.string_view()))]
    return fields, [batch(0), short, batch(3), several]


def decimals():
    """Of every width, with scales that are negative or larger than the precision, and nested."""
    types = [pa.decimal32(9, 2), pa.decimal64(18, 17), pa.decimal128(38, 0), pa.decimal128(5, -3), pa.decimal128(6, 6),
             pa.decimal256(76, 20)]
    def some(kind, i):
        unscaled = [0, 1, -1, 10**kind.precision - 1, -(10**kind.precision) + 1, random.randrange(10**kind.precision)][i % 6]
        return decimal.Decimal(unscaled).scaleb(-kind.scale, decimal.Context(prec=80))
    fields, columns = [], []
    for kind in types:
        fields += [pa.field(str(kind), kind), pa.field(f"list of {kind}", pa.list_(kind)),
                   pa.field(f"struct of {kind}", pa.struct([pa.field("d", kind)]))]
        columns += [pa.array(with_nulls(lambda i: some(kind, i), 24), kind),
                    pa.array([[some(kind, j) for j in range(i % 4)] for i in range(24)], pa.list_(kind)),
                    pa.array([{"d": some(kind, i)} for i in range(24)], fields[-1].type)]
    return fields, [columns, [column.slice(5, 3) for column in columns]]


def list_views():
    """In any order, shared, with gaps, and of everything."""
    values = pa.array(range(10), pa.int16())
    shared = pa.ListViewArray.from_arrays(pa.array([7, 0, 0, 3, 10], pa.int32()), pa.array([3, 10, 2, 0, 0], pa.int32()), values)
    large = pa.LargeListViewArray.from_arrays(pa.array([1, None, 0, 5, 9], pa.int64()), pa.array([2, 0, 1, 5, 1], pa.int64()),
                                              pa.array([f"text {i}" * i for i in range(10)], pa.string_view()))
    nested = pa.array([[[1], [], None], None, [], [[2, None]], [[3]] * 3], pa.list_view(pa.list_view(pa.int8())))
    points = pa.array([[{"x": 1.5, "s": "a"}], [], None, [None, {"x": None, "s": "b"}], []],
                      pa.list_view(pa.struct([pa.field("x", pa.float64()), pa.field("s", pa.dictionary(pa.int8(), pa.utf8()))])))
    columns = [shared, large, nested, points]
    fields = [pa.field(f"c{i}", column.type) for i, column in enumerate(columns)]
    return fields, [columns, [column.slice(1, 3) for column in columns]]


def runs():
    make = lambda ends, values, bits: pa.RunEndEncodedArray.from_arrays(pa.array(ends, bits), values)
    texts = make([2, 3, 70, 71], pa.array(["a", None, "bb", "a"]), pa.int32())
    numbers = make([71], pa.array([2.5]), pa.int16())
    words = make([1, 71], pa.DictionaryArray.from_arrays(pa.array([1, 0]), pa.array(["x", "y"])), pa.int64())
    columns = [texts, numbers, words]
    fields = [pa.field(f"c{i}", column.type) for i, column in enumerate(columns)]
    return fields, [columns]


def deltas():
    """A dictionary that grows from batch to batch."""
    words = lambda values, indices: pa.DictionaryArray.from_arrays(pa.array(indices, pa.int16()), pa.array(values))
    all_words = [f"word {i}" for i in range(100)]
    return [pa.field("word", words([""], [0]).type)], [
        [words(all_words[:3], [2, 0, None])], [words(all_words[:7], [6, 3, 1])], [words(all_words, [99, 98, 0, 5])],
    ]


def temporal():
    at = datetime.datetime(2026, 7, 1, 12, 30, 1, 234567)
    fields, columns = [], []
    for unit in ("s", "ms", "us", "ns"):
        for name, kind in [(f"at_{unit}", pa.timestamp(unit)), (f"zoned_{unit}", pa.timestamp(unit, "Europe/Rome")),
                           (f"span_{unit}", pa.duration(unit))]:
            fields.append(pa.field(name, kind))
            columns.append(pa.array([0, None, -(2**62), 2**62], pa.int64()).cast(kind))
    for name, kind in [("time_s", pa.time32("s")), ("time_ms", pa.time32("ms")), ("day", pa.date32())]:
        fields.append(pa.field(name, kind))
        columns.append(pa.array([0, None, 86_399, 7], pa.int32()).cast(kind))
    for name, kind in [("time_us", pa.time64("us")), ("time_ns", pa.time64("ns"))]:
        fields.append(pa.field(name, kind))
        columns.append(pa.array([0, None, 86_399_999_999, 7], pa.int64()).cast(kind))
    fields.append(pa.field("date", pa.date64()))
    columns.append(pa.array([None, at.date(), datetime.date(1969, 12, 31), None], pa.date64()))
    return fields, [columns]


for codec in CODECS:
    fields, first = primitives(50)
    write("primitives", fields, [first, primitives(0)[1], primitives(9)[1], primitives(1)[1]], codec, first_ns=-20)
    fields, first = nested(40)
    whole = nested(100)[1]
    write("nested", fields, [first, [column.slice(33, 41) for column in whole], nested(1)[1], nested(0)[1]], codec)
    write("dictionaries", *dictionaries(), codec)
    write("views", *views(), codec)
    write("temporal", *temporal(), codec)
    write("decimals", *decimals(), codec)
    write("list_views", *list_views(), codec)
    write("runs", *runs(), codec)
    write("deltas", *deltas(), codec, emit_dictionary_deltas=True)
    # Values large enough for many blocks within a frame, some of which do not compress.
    big = [pa.array([random.randbytes(1000) * random.choice([1, 30]) for _ in range(150)], pa.binary()),
           pa.array([[i // 50] * 500 for i in range(150)], pa.list_(pa.int32()))]
    write("big", [pa.field("blob", pa.binary()), pa.field("runs", pa.list_(pa.int32()))], [big], codec)
    write("no_batches", [pa.field("x", pa.int8())], [], codec)
    write("empty_batches", [pa.field("x", pa.int8())], [[pa.array([], pa.int8())]] * 3, codec)
    write("times_only", [], [[], []], codec)

# What Arrow wrote before 1.0.
write("before_v5", *nested(20)[:1], [nested(20)[1]], metadata_version=pa.ipc.MetadataVersion.V4)
write("before_0_15", *nested(20)[:1], [nested(20)[1]], use_legacy_format=True)


def refused(name, schema, *columns):
    """A file that smalti must refuse; the test says why."""
    with pa.ipc.new_file(directory / f"refused-{name}.arrow", schema) as writer:
        writer.write_batch(pa.record_batch(list(columns), schema=schema))


times = pa.array([1, 2, 3], pa.int64())
refused("no_time", pa.schema([pa.field("x", pa.int64())]), times)
refused("time_in_us", pa.schema([pa.field("timestamp_ns", pa.timestamp("us"))]), times.cast(pa.timestamp("us")))
refused("missing_time", pa.schema([pa.field("timestamp_ns", pa.int64())]), pa.array([1, None, 3], pa.int64()))
refused("disorder", pa.schema([TIME]), pa.array([1, 3, 2], pa.int64()))
refused("union", pa.schema([TIME, pa.field("u", pa.dense_union([pa.field("a", pa.int8())]))]), times,
        pa.UnionArray.from_dense(pa.array([0, 0, 0], pa.int8()), pa.array([0, 1, 2], pa.int32()), [pa.array([1, 2, 3], pa.int8())], ["a"]))
