"""Random tables to a server and back, by pyarrow alone: `random_tables.py PORT SEED COUNT` prints what differs as JSON."""

import decimal
import json
import random
import sys

import numpy as np
import pyarrow as pa
import pyarrow.flight as fl

port, seed, count = (int(argument) for argument in sys.argv[1:])
choose = random.Random(seed)
client = fl.connect(f"grpc://127.0.0.1:{port}")

EXACT = decimal.Context(prec=80)
FLAT = [
    pa.null(), pa.bool_(), pa.int8(), pa.uint16(), pa.int32(), pa.int64(), pa.uint64(),
    pa.float16(), pa.float32(), pa.float64(), pa.utf8(), pa.large_utf8(), pa.binary(), pa.large_binary(),
    pa.binary(3), pa.timestamp("us", tz="UTC"), pa.date32(), pa.string_view(), pa.binary_view(),
    pa.decimal32(7, 2), pa.decimal64(18, 0), pa.decimal128(38, 10), pa.decimal128(5, -3), pa.decimal256(76, 40),
]  # fmt: skip
INDICES = [pa.int8(), pa.uint8(), pa.int16(), pa.int32(), pa.uint32(), pa.int64()]
VALUES = [pa.utf8(), pa.int32(), pa.float64(), pa.binary(), pa.bool_()]
# What pyarrow makes no dictionaries of by itself.
MORE_VALUES = [*VALUES, pa.decimal128(9, 3), pa.date32(), pa.large_utf8(), pa.string_view(), pa.float16(), pa.binary(3)]


def any_type(depth):
    nested = [
        lambda: pa.list_(any_type(depth - 1)),
        lambda: pa.large_list(any_type(depth - 1)),
        lambda: pa.list_view(any_type(depth - 1)),
        lambda: pa.large_list_view(any_type(depth - 1)),
        lambda: pa.list_(any_type(depth - 1), 2),
        lambda: pa.map_(pa.utf8(), any_type(depth - 1)),
        lambda: pa.struct([pa.field(f"f{i}", any_type(depth - 1)) for i in range(choose.randint(1, 3))]),
    ]
    if depth > 0 and choose.random() < 0.4:
        return choose.choice(nested)()
    if choose.random() < 0.2:
        return pa.dictionary(choose.choice(INDICES), choose.choice(VALUES))
    return choose.choice(FLAT)


def any_column_type():
    return pa.dictionary(choose.choice(INDICES), choose.choice(MORE_VALUES)) if choose.random() < 0.2 else any_type(2)


def any_value(kind):
    if kind == pa.null() or choose.random() < 0.2:
        return None
    if pa.types.is_dictionary(kind):
        return any_value(kind.value_type)
    if pa.types.is_decimal(kind):
        digits = choose.randint(1, kind.precision)
        return decimal.Decimal(choose.randint(-(10**digits) + 1, 10**digits - 1)).scaleb(-kind.scale, EXACT)
    if pa.types.is_boolean(kind):
        return choose.random() < 0.5
    if pa.types.is_temporal(kind):
        return choose.randint(0, 20_000)
    if pa.types.is_integer(kind):
        bits = kind.bit_width
        return choose.randint(0, 2**bits - 1) - (0 if str(kind).startswith("u") else 2 ** (bits - 1))
    if pa.types.is_floating(kind):
        return np.float16(choose.randint(-400, 400) / 4)
    if pa.types.is_fixed_size_binary(kind):
        return choose.randbytes(3)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "".join(choose.choice("aöß𝄞") for _ in range(choose.randint(0, 6)))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return choose.randbytes(choose.randint(0, 20))
    if pa.types.is_struct(kind):
        return {field.name: any_value(field.type) for field in kind}
    if pa.types.is_map(kind):
        return [(f"k{i}", any_value(kind.item_type)) for i in range(choose.randint(0, 3))]
    length = 2 if pa.types.is_fixed_size_list(kind) else choose.randint(0, 4)
    return [any_value(kind.value_type) for _ in range(length)]


def any_column(kind, rows):
    if not pa.types.is_dictionary(kind):
        return pa.array([any_value(kind) for _ in range(rows)], kind)
    count = choose.randint(1, 5)
    values = pa.array([any_value(kind.value_type) for _ in range(count)], kind.value_type)
    indices = [None if choose.random() < 0.2 else choose.randrange(count) for _ in range(rows)]
    return pa.DictionaryArray.from_arrays(pa.array(indices, kind.index_type), values)


def any_batch(schema):
    rows = choose.choice([0, 1, 3, 9, 50])
    times = pa.array([choose.randint(0, 20) for _ in range(rows)], pa.int64())
    columns = [any_column(field.type, rows) for field in list(schema)[1:]]
    batch = pa.record_batch([times, *columns], schema=schema)
    return batch.slice(2, rows - 3) if rows > 5 and choose.random() < 0.5 else batch


def act(name, body):
    [result] = client.do_action(fl.Action(name, json.dumps(body).encode()))
    return json.loads(result.body.to_pybytes())["response"]


def command(**body):
    return fl.FlightDescriptor.for_command(json.dumps(body).encode())


def round_trip(name, schema, batches):
    """Uploads with any compression; gives what comes back."""
    locator = f"{name}/t"
    act("sequence_create", {"locator": name, "user_metadata": {}})
    session = act("session_create", {"locator": name})
    topic = act("topic_create", {
        "session_uuid": session["uuid"],
        "locator": locator,
        "serialization_format": "default",
        "ontology_tag": "Any",
        "user_metadata": {},
    })  # fmt: skip
    compression = choose.choice([None, "lz4", "zstd"])
    options = fl.FlightCallOptions(write_options=pa.ipc.IpcWriteOptions(compression=compression))
    descriptor = command(resource_locator=locator, topic_uuid=topic["uuid"])
    writer, _ = client.do_put(descriptor, schema, options=options)
    for batch in batches:
        writer.write_batch(batch)
    writer.close()
    act("session_finalize", {"session_uuid": session["uuid"]})
    info = client.get_flight_info(command(resource_locator=locator))
    table = client.do_get(info.endpoints[0].ticket).read_all()
    table.validate(full=True)
    return table


different = []
for number in range(count):
    time = pa.field("timestamp_ns", pa.int64(), nullable=False)
    schema = pa.schema([time, *(pa.field(f"c{i}", any_column_type()) for i in range(choose.randint(1, 4)))])
    batches = [any_batch(schema) for _ in range(choose.randint(0, 4))]
    seen = round_trip(f"table_{number}", schema, batches)
    rows = pa.Table.from_batches(batches, schema=schema).to_pylist()
    rows.sort(key=lambda row: row["timestamp_ns"])
    # As text, in which nan is like nan.
    if seen.schema != schema or str(seen.to_pylist()) != str(rows):
        different.append({"number": number, "wanted": str(rows), "seen": str(seen.to_pylist())})
print(json.dumps(different))
