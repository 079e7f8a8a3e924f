"""A topic's Arrow IPC file, and what its footer tells of its batches: see "A topic's file" in docs/format.md."""

import binascii
import json
import sys
import zlib
from array import array
from threading import Lock
from typing import Any, NamedTuple

import pyarrow as pa

from smalti._error import SmaltiError
from smalti._store import Store


class Index(NamedTuple):
    """Where a topic's batches are, and their times; an item a batch, in the order of the file."""

    fingerprint: str
    offset: list[int]
    length: list[int]
    rows: list[int]
    first_ns: list[int]
    last_ns: list[int]


class TopicFile:
    """An open file, all of one state of it where the store keeps open files as they are."""

    def __init__(self, store: Store, path: str, columns: set[str] | None = None) -> None:
        """``columns`` are those that are read, beside the times; all for None."""
        self.path = path
        self._lock = Lock()
        self._file = store.open(path)
        self.size_bytes: int = self._file.size()
        try:
            self._reader = pa.ipc.open_file(self._file)
            self.index = _index_of(self._reader)
            self.columns: list[str] = self._reader.schema.names
            if columns is not None:
                self._select(columns)
        except (ValueError, KeyError, OSError) as cause:
            self._file.close()
            raise SmaltiError("CORRUPT", f"Cannot read the footer of {store.url}/{path}: {cause}") from cause
        except SmaltiError as error:
            self._file.close()
            raise SmaltiError(error.code, f"{error.message} in {store.url}/{path}") from None

    @property
    def schema(self) -> Any:
        """That of the batches."""
        return self._reader.schema

    def batch(self, number: int) -> Any:
        """A record batch, which must be the one that the index tells of."""
        where = f"batch {number} of {self.path}"
        try:
            # pyarrow does not say that a reader may be used by several threads.
            with self._lock:
                batch = self._reader.get_batch(number)
        except (ValueError, OSError) as cause:
            raise SmaltiError("CORRUPT", f"Cannot read {where}: {cause}") from cause
        times = batch.column(0)
        found = (len(times), times[0].as_py(), times[-1].as_py()) if len(times) else (0, None, None)
        index = self.index
        wanted = (index.rows[number], index.first_ns[number], index.last_ns[number])
        if found != wanted:
            facts = "(rows, first and last time)"
            raise SmaltiError("CORRUPT", f"Cannot read {where}: found {found} {facts}, wanted {wanted}")
        return batch

    def close(self) -> None:
        """Gives the file back."""
        self._file.close()

    def _select(self, columns: set[str]) -> None:
        wanted = [i for i, name in enumerate(self.columns) if i == 0 or name in columns]
        if len(wanted) < len(self.columns):
            self._reader = pa.ipc.open_file(self._file, options=pa.ipc.IpcReadOptions(included_fields=wanted))


def _index_of(reader: Any) -> Index:
    metadata = reader.metadata or {}
    text = metadata.get(b"smalti:index")
    if text is None:
        if b"smalti:version" in (reader.schema.metadata or {}):
            raise SmaltiError("CORRUPT", "Footer has no index")
        raise SmaltiError("UNSUPPORTED", "There is no index: wanted a file that smalti has written")
    crc = metadata.get(b"smalti:index_crc", b"").decode()
    if f"{zlib.crc32(text):08x}" != crc:
        raise SmaltiError("CORRUPT", "Index does not match its checksum")
    facts = json.loads(text)
    numbers = {fact: _numbers(facts[fact], "d") for fact in ("offset", "length", "rows")}
    times = {fact: _numbers(facts[fact], "q") for fact in ("firstNs", "lastNs")}
    counts = {len(values) for values in (*numbers.values(), *times.values())}
    if counts != {reader.num_record_batches}:
        raise SmaltiError("CORRUPT", f"Index has facts of {counts} of the {reader.num_record_batches} batches")
    whole = {fact: [int(value) for value in values] for fact, values in numbers.items()}
    return Index(crc, **whole, first_ns=list(times["firstNs"]), last_ns=list(times["lastNs"]))


def _numbers(base64: str, kind: str) -> Any:
    values = array(kind)
    values.frombytes(binascii.a2b_base64(base64))
    if sys.byteorder == "big":
        values.byteswap()
    return values
