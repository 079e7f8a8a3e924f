"""Recordings as docs/format.md has them, written by pyarrow alone, so that anything can be wrong with one."""

import base64
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

Rows = Sequence[tuple[int, int]]
"""Time and serial number of each."""

SCHEMA = pa.schema(
    [
        pa.field("timestamp_ns", pa.int64(), nullable=False),
        pa.field("serial", pa.int64()),
        pa.field("label", pa.string()),
    ],
    metadata={"smalti:version": "1", "smalti:schema_crc": "00000000"},
)


def batch_of(rows: Rows) -> Any:
    """A record batch of rows, which are in time order."""
    times, serials = [row[0] for row in rows], [row[1] for row in rows]
    return pa.record_batch([times, serials, [f"row {serial}" for serial in serials]], schema=SCHEMA)


def write_topic(path: Path, batches: Sequence[Rows], **wrong: Any) -> int:
    """A topic's file; how many rows it has. ``wrong`` replaces facts of its index."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The footer's metadata has where the batches lie, so they are written twice.
    places = _write(path, batches, {})
    facts: dict[str, Any] = {
        "offset": [offset for offset, _ in places],
        "length": [length for _, length in places],
        "rows": [len(rows) for rows in batches],
        "firstNs": [rows[0][0] for rows in batches],
        "lastNs": [rows[-1][0] for rows in batches],
        "headerCrc": [0 for _ in batches],
    }
    facts |= {fact: values for fact, values in wrong.items() if fact in facts}
    index = json.dumps({fact: _base64(fact, values) for fact, values in facts.items()})
    crc = f"{zlib.crc32(index.encode()):08x}"
    _write(path, batches, {"smalti:index": index, "smalti:index_crc": wrong.get("crc", crc)})
    return sum(map(len, batches))


def write_sequence(store: Path, name: str, topics: Mapping[str, Sequence[Rows]], /, **manifest: Any) -> None:
    """A sequence whose names are file names too, unless the manifest is told otherwise."""
    listed = [
        {"name": topic, "rowCount": write_topic(store / name / f"{topic}.arrow", batches)}
        for topic, batches in sorted(topics.items())
    ]
    facts = {"format": "smalti", "version": 3, "state": "finalized", "topics": listed, **manifest}
    (store / name).mkdir(parents=True, exist_ok=True)
    (store / name / "sequence.json").write_text(json.dumps(facts))


def _write(path: Path, batches: Sequence[Rows], metadata: dict[str, str]) -> list[tuple[int, int]]:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, SCHEMA, metadata=metadata) as writer:
        places = []
        for rows in batches:
            start = file.tell()
            writer.write_batch(batch_of(rows))
            places.append((start, file.tell() - start))
    return places


def _base64(fact: str, values: Sequence[int]) -> str:
    kind = "q" if fact.endswith("Ns") else "d"
    return base64.b64encode(struct.pack(f"<{len(values)}{kind}", *values)).decode()
