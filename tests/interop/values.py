"""Values of Arrow columns as JSON, in the form that pyarrow.test.ts gives its own: integers and the integers within
temporal types as {"int": "5"}, floats as the bits of a double, bytes in base64, a struct as {"struct": {...}} without
its missing fields, and missing where all are and its field may be."""

import base64
import math
import struct

import pyarrow as pa


def plain(scalar, nullable=True):
    if not scalar.is_valid:
        return None
    kind = scalar.type
    if pa.types.is_run_end_encoded(kind):
        return plain(scalar.value if isinstance(scalar.value, pa.Scalar) else pa.scalar(scalar.value, kind.value_type), nullable)
    if pa.types.is_dictionary(kind):
        return plain(scalar.value, nullable)
    if pa.types.is_boolean(kind):
        return scalar.as_py()
    if pa.types.is_integer(kind):
        return {"int": str(scalar.as_py())}
    if pa.types.is_temporal(kind):
        return {"int": str(scalar.value)}
    if pa.types.is_floating(kind):
        value = float(scalar.as_py())
        return {"float": "nan" if math.isnan(value) else struct.pack(">d", value).hex()}
    if pa.types.is_map(kind):
        return [
            {"struct": {"key": plain(entry["key"]), **without_none("value", plain(entry["value"], kind.item_field.nullable))}}
            for entry in scalar.values
        ]
    if pa.types.is_struct(kind):
        fields = {}
        for field in kind:
            fields.update(without_none(field.name, plain(scalar[field.name], field.nullable)))
        return {"struct": fields} if fields or not nullable else None
    if hasattr(scalar, "values"):  # lists of all kinds
        return [plain(item, kind.value_field.nullable) for item in scalar.values]
    value = scalar.as_py()
    if pa.types.is_decimal(kind):
        return f"{value:f}"
    return value if isinstance(value, str) else {"bytes": base64.b64encode(value).decode()}


def without_none(name, value):
    return {} if value is None else {name: value}


def rows(batch):
    """The rows of a batch, each with the fields that it has."""
    out = []
    for i in range(batch.num_rows):
        row = {}
        for field, column in zip(batch.schema, batch.columns):
            row.update(without_none(field.name, plain(column[i], field.nullable)))
        out.append(row)
    return out
