"""compare_tables.py SOURCES EXPORTS: holds what pyarrow, DuckDB and polars read of each table's Arrow, Parquet and CSV file
against the Arrow stream that it was made of; what differs is printed."""

import pathlib
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

sys.path.append(str(pathlib.Path(__file__).parent.parent / "interop"))
import values  # noqa: E402

sources, exports = map(pathlib.Path, sys.argv[1:])
NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


class Form:
    """Values as tests/interop/values.py gives them, but for what readers do on their own: times in nanoseconds, for some have
    fewer units; structs of which all is missing as missing, for some do not know that a field must be there."""

    plain = staticmethod(values.plain)
    # Of what Parquet has no type for the number.
    as_stored = False

    @classmethod
    def value(cls, scalar, _nullable=True):
        kind = scalar.type
        if not scalar.is_valid or not hasattr(kind, "unit") and not pa.types.is_date64(kind):
            return cls.plain(scalar, True)
        unit = getattr(kind, "unit", "ms")
        if cls.as_stored and (unit == "s" or pa.types.is_duration(kind) or pa.types.is_date64(kind)):
            return cls.plain(scalar)
        return {"int": str(scalar.value * NANOSECONDS[unit])}


values.plain = Form.value


def rows(table, as_stored=False):
    Form.as_stored = as_stored
    return [row for batch in table.to_batches() for row in values.rows(batch)]


def check(name, reader, found, wanted):
    found, wanted = rows(found), rows(wanted, as_stored="Parquet" in reader)
    if len(found) != len(wanted):
        print(f"{name}: {reader} reads {len(found)} rows, wanted {len(wanted)}")
    for row, (one, other) in enumerate(zip(found, wanted)):
        for column in sorted({*one, *other}):
            if one.get(column) != other.get(column):
                print(f"{name}, row {row}, {column}: {reader} reads {one.get(column)}, wanted {other.get(column)}")
                return


def of_polars(kind):
    return not pa.types.is_decimal256(kind)


def of_polars_parquet(kind):
    return of_polars(kind) and not pa.types.is_float16(kind)


def of_duckdb(kind):
    # Of timestamps with a zone it keeps microseconds.
    return not pa.types.is_decimal256(kind) and not (pa.types.is_timestamp(kind) and kind.tz and kind.unit == "ns")


def kinds(kind):
    """A type and those within it."""
    yield kind
    for i in range(kind.num_fields):
        yield from kinds(kind.field(i).type)


def compare(name, reader, read, wanted, holds=lambda kind: True):
    """Columns of types that the reader holds."""
    kept = [field.name for field in wanted.schema if all(holds(kind) for kind in kinds(field.type))]
    try:
        found = read(kept)
    except BaseException as reason:  # A panic of polars' is no Exception.
        print(f"{name}: {reader} fails: {reason}; {wanted.schema.remove_metadata()}")
    else:
        check(name, reader, found, wanted.select(kept))


for path in sorted(sources.glob("*.arrows")):
    source = pa.ipc.open_stream(path).read_all()
    name = path.stem
    arrow, parquet, csv = (str(exports / f"{name}.{kind}") for kind in ("arrow", "parquet", "csv"))
    compare(name, "pyarrow (Arrow)", lambda names: pa.ipc.open_file(arrow).read_all().select(names), source)
    compare(name, "pyarrow (Parquet)", lambda names: pa.parquet.read_table(parquet, columns=names), source)
    compare(name, "polars (Arrow)", lambda names: polars.read_ipc(arrow, columns=names, memory_map=False).to_arrow(), source, of_polars)
    compare(name, "polars (Parquet)", lambda names: polars.read_parquet(parquet, columns=names).to_arrow(), source, of_polars_parquet)
    columns = lambda names: ", ".join(f'"{one}"' for one in names)
    compare(name, "DuckDB (Parquet)", lambda names: duckdb.sql(f"select {columns(names)} from '{parquet}'").to_arrow_table(), source, of_duckdb)
