"""write_tables.py DIRECTORY SEED COUNT: Arrow streams of random tables, of the types that Parquet has too, in several
batches; `timestamp_ns` is the first column."""

import decimal
import random
import string
import sys

import pyarrow as pa

directory, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random.seed(seed)
DECIMALS = decimal.Context(prec=80)
TEXTS = ["", " ", "état", "日本", "🛰️", 'a "b"', "a,b", "one\ntwo", "\r\n", "x" * 70, "null", "NaN", "1", "\t", "'"]
FLOATS = [0.0, -0.0, float("nan"), float("inf"), float("-inf"), 0.1, 1e300, -5e-324, 1e21, 123456789.0, 65504.0]


def integer(bits, signed):
    low = -(2 ** (bits - 1)) if signed else 0
    return lambda: random.choice([low, low + 2**bits - 1, 0 if low else 1, random.randrange(low, low + 2**bits)])


def floats(bits):
    largest = {16: 65504.0, 32: 3e38, 64: 1e308}[bits]
    fits = [value for value in FLOATS if not abs(value) > largest or abs(value) == float("inf")]
    # Rounded to the width, so that each reader's value is this one.
    kind = {16: pa.float16(), 32: pa.float32(), 64: pa.float64()}[bits]
    return lambda: pa.scalar(random.choice([*fits, random.gauss(0, 100)]), kind).as_py()


def leaf():
    """A type and what makes values of it."""
    bits, signed = random.choice([8, 16, 32, 64]), random.random() < 0.5
    unit = random.choice(["s", "ms", "us", "ns"])
    zone = random.choice([None, "UTC", "Europe/Rome"])
    width = random.choice([16, 32, 64])
    kind = random.choice([pa.decimal128(5, 2), pa.decimal128(38, 10), pa.decimal128(9, 0), pa.decimal256(76, 20)])
    ticks = {"s": 1, "ms": 1000, "us": 10**6, "ns": 10**9}[unit]
    text = lambda: random.choice([*TEXTS, "".join(random.choices(string.printable, k=5))])
    moment = lambda: random.choice([0, -1, 1_700_000_000 * ticks + random.randrange(ticks), random.randrange(2**31) * ticks])
    return random.choice([
        lambda: (pa.bool_(), lambda: random.random() < 0.5),
        lambda: (getattr(pa, f"{'' if signed else 'u'}int{bits}")(), integer(bits, signed)),
        lambda: (getattr(pa, f"float{width}")(), floats(width)),
        lambda: (random.choice([pa.string(), pa.large_string(), pa.string_view()]), text),
        lambda: (pa.dictionary(pa.int8(), pa.string()), lambda: random.choice(TEXTS)),
        lambda: (pa.dictionary(pa.int16(), pa.int64()), lambda: random.choice([5, 2**62, -1])),
        lambda: (random.choice([pa.binary(), pa.large_binary()]), lambda: random.randbytes(random.randrange(9))),
        lambda: (pa.binary(3), lambda: random.randbytes(3)),
        lambda: (kind, lambda: decimal.Decimal(random.randrange(10**kind.precision)).scaleb(-kind.scale, DECIMALS)),
        lambda: (pa.timestamp(unit, zone), moment),
        lambda: (pa.duration(unit), moment),
        lambda: (pa.date32(), lambda: random.randrange(-9999, 99999)),
        lambda: (pa.time64("us"), lambda: random.randrange(86_400_000_000)),
        lambda: (pa.time32("ms"), lambda: random.randrange(86_400_000)),
    ])()


def any_type(depth):
    if depth == 0 or random.random() < 0.5:
        return leaf()
    if random.random() < 0.4:
        # A field that must be there is in a struct that is there.
        fields = [(f"f{i}", *any_type(depth - 1)) for i in range(random.randrange(1, 4))]
        make = lambda: {name: maybe(make) for name, _, make in fields}
        return pa.struct([pa.field(name, kind) for name, kind, _ in fields]), make
    kind, make = any_type(depth - 1)
    size = random.randrange(1, 4)
    return random.choice([
        lambda: (pa.list_(kind), lambda: [maybe(make) for _ in range(random.randrange(4))]),
        lambda: (pa.large_list(kind), lambda: [maybe(make) for _ in range(random.randrange(4))]),
        lambda: (pa.list_(kind, size), lambda: [maybe(make) for _ in range(size)]),
        lambda: (pa.map_(pa.string(), kind), lambda: [(f"k{i}", maybe(make)) for i in range(random.randrange(3))]),
    ])()


def maybe(make, share=0.2):
    return None if random.random() < share else make()


for number in range(count):
    columns = [(f"c{i}", *any_type(2), random.random() < 0.3) for i in range(random.randrange(1, 6))]
    schema = pa.schema([
        pa.field("timestamp_ns", pa.int64(), nullable=False),
        *(pa.field(name, kind, nullable=not required) for name, kind, _, required in columns),
    ])
    at = 1_700_000_000_123_456_789
    with pa.ipc.new_stream(f"{directory}/t{number}.arrows", schema) as writer:
        for _ in range(random.randrange(1, 4)):
            rows = random.randrange(1, 40)
            arrays = [pa.array(range(at, at + rows), pa.int64())]
            for _, kind, make, required in columns:
                arrays.append(pa.array([maybe(make, 0 if required else 0.2) for _ in range(rows)], kind))
            at += rows
            writer.write_batch(pa.record_batch(arrays, schema=schema))
