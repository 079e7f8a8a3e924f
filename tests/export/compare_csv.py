"""compare_csv.py SOURCES EXPORTS: holds what pyarrow, DuckDB and polars read of each table's CSV file against the Arrow
stream that it was made of; what differs is printed."""

import base64
import json
import math
import pathlib
import struct
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.csv

sources, exports = map(pathlib.Path, sys.argv[1:])


def flattened(table):
    """Fields of structs as columns; missing where the struct is."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def kind_of_cells(kind):
    """What a column's cells are, in the words of pyarrow, polars and DuckDB."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return pa.bool_(), polars.Boolean, "boolean"
    if pa.types.is_uint64(kind):
        return pa.uint64(), polars.UInt64, "ubigint"
    if pa.types.is_integer(kind) or pa.types.is_temporal(kind):
        return pa.int64(), polars.Int64, "bigint"
    if pa.types.is_floating(kind):
        return pa.float64(), polars.Float64, "double"
    return pa.string(), polars.String, "varchar"


def exact(value):
    """A value that tells floats apart by their bits."""
    if not isinstance(value, float):
        return value
    return "nan" if math.isnan(value) else struct.pack(">d", value).hex()


def stored(scalar):
    """A value that is not nested, as it is stored."""
    kind = scalar.type
    if not scalar.is_valid:
        return None
    if pa.types.is_dictionary(kind):
        return stored(scalar.value)
    if pa.types.is_temporal(kind):
        return scalar.value
    if pa.types.is_floating(kind):
        return float(scalar.as_py())
    value = scalar.as_py()
    if pa.types.is_decimal(kind):
        return f"{value:f}"
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def in_json(scalar):
    """A nested value as it is in JSON."""
    kind = scalar.type
    if not scalar.is_valid:
        return None
    if pa.types.is_struct(kind):
        return {field.name: in_json(scalar[field.name]) for field in kind}
    if pa.types.is_nested(kind):
        return [in_json(item) for item in scalar.values]
    value = stored(scalar)
    if isinstance(value, int) and abs(value) > 2**53 - 1:
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def check(name, reader, read, wanted, nested):
    try:
        found = read()
    except Exception as reason:
        print(f"{name}: {reader} fails: {reason}")
        return
    if list(found) != list(wanted):
        print(f"{name}: {reader} reads columns {list(found)}, wanted {list(wanted)}")
        return
    for column, cells in found.items():
        if column in nested:
            cells = [cell and json.loads(cell) for cell in cells]
        else:
            cells = [exact(cell) for cell in cells]
        if cells != wanted[column]:
            pairs = [(one, other) for one, other in zip(cells, wanted[column]) if one != other]
            print(f"{name}, {column}: {reader} reads {len(cells)} cells, wanted {len(wanted[column])}; read and wanted: {pairs[:1]}")


for path in sorted(sources.glob("*.arrows")):
    source = flattened(pa.ipc.open_stream(path).read_all())
    csv, name = str(exports / f"{path.stem}.csv"), path.stem
    nested = {field.name for field in source.schema if pa.types.is_nested(field.type)}
    wanted = {
        field.name: [in_json(cell) if field.name in nested else exact(stored(cell)) for cell in source[field.name]]
        for field in source.schema
    }
    kinds = {field.name: kind_of_cells(field.type) for field in source.schema}
    check(name, "pyarrow", lambda: pyarrow.csv.read_csv(
        csv,
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={column: kind for column, (kind, *_) in kinds.items()},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ).to_pydict(), wanted, nested)
    check(name, "polars", lambda: polars.read_csv(
        csv, schema_overrides={column: kind for column, (_, kind, _) in kinds.items()}
    ).to_dict(as_series=False), wanted, nested)
    check(name, "DuckDB", lambda: duckdb.read_csv(
        csv,
        header=True,
        columns={column: kind for column, (*_, kind) in kinds.items()},
        allow_quoted_nulls=False,
        quotechar='"',
        escapechar='"',
    ).to_arrow_table().to_pydict(), wanted, nested)
