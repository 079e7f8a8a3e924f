"""Reads splits: by topic, batch by batch, or all topics in strict time order."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from smalti._blocks import BLOCK_BYTES, blocks_of
from smalti._cut import OPEN_AT_A_TIME
from smalti._error import SplitChanged
from smalti._names import topic_name
from smalti._split import Split, SplitTopic, to_split
from smalti._store import open_store
from smalti._topic_file import TopicFile
from smalti._windows import Window

_ROWS_AT_A_TIME = 1024


class Block(NamedTuple):
    """The rows of a stretch of time, of all topics."""

    order: pa.Table
    """``timestamp_ns`` (int64), ``topic`` (dictionary of strings) and ``row`` (int64, of the topic's table), in strict order."""
    tables: dict[str, pa.Table]
    """The rows by topic, in the same order; of topics that have some."""

    def messages(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Topic and columns of each row in strict order, as Python's own values; easy, and slow beside the tables."""
        rows = {topic: _rows_of(table) for topic, table in self.tables.items()}
        for batch in self.order.select(["topic"]).to_batches(max_chunksize=_ROWS_AT_A_TIME):
            for topic in batch.column(0).to_pylist():
                yield topic, next(rows[topic])


def read(
    split: Split | str,
    *,
    topics: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    store: str | os.PathLike[str] | None = None,
    filesystem: Any = None,
) -> dict[str, pa.Table]:
    """The rows of a split by topic, in ASCII order of the names; those of a topic by time, then in the order of writing.

    ``topics`` and ``columns`` choose; ``timestamp_ns``, int64, is always there, and what a topic does not have is passed
    over. ``store`` says where the recordings are now, where that is not what the split says: a copy will do.
    ``filesystem``, of pyarrow or fsspec, has the credentials where some are needed.

    Sizes of the files and checksums of their indexes are compared with those of the split, rows and times of each batch
    with the index. The checksums of the batches themselves (``smalti:crc``) are not looked at: ``smalti verify --deep`` does.

    Raises SplitChanged where a file is not the one that the split was cut of; SmaltiError with NOT_FOUND where it is gone,
    INVALID_ARGUMENT for what is no split, CORRUPT; ValueError for columns that no topic has.
    """
    with _Open(split, topics, columns, store, filesystem) as files:
        tables: dict[str, list[pa.Table]] = {name: [] for name in files.files}
        for block in files.blocks(BLOCK_BYTES):
            for name, table in block.items():
                tables[name].append(table)
        return {
            name: pa.concat_tables(parts) if parts else files.files[name].schema.empty_table()
            for name, parts in tables.items()
        }


def batches(
    split: Split | str,
    *,
    topics: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    store: str | os.PathLike[str] | None = None,
    filesystem: Any = None,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The same rows as record batches, each with its topic: those of a topic follow one another as in ``read``.

    Topics take turns, by stretches of time. Held at a time are about ``block_bytes``, the batches that overlap there, and the next eight.
    """
    for block in _blocks(split, topics, columns, store, filesystem, block_bytes):
        for name, table in block.items():
            for batch in table.to_batches():
                yield name, batch


def merged(
    split: Split | str,
    *,
    topics: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    store: str | os.PathLike[str] | None = None,
    filesystem: Any = None,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Block]:
    """The rows of all topics in the strict order of a replay: by time, then topic in ASCII order, then order of writing.

    They come in blocks, stretches of time one after another: ``block.order`` tells the order of the rows of
    ``block.tables``, and ``block.messages()`` gives them one by one. Memory and errors are those of ``batches``.

    >>> for block in merged(split):  # doctest: +SKIP
    ...     for topic, message in block.messages():
    ...         print(message["timestamp_ns"], topic)
    """
    for tables in _blocks(split, topics, columns, store, filesystem, block_bytes):
        yield Block(_order_of(tables), tables)


def _order_of(tables: dict[str, pa.Table]) -> pa.Table:
    times = pa.concat_arrays([chunk for table in tables.values() for chunk in table.column(0).chunks])
    topics = pa.concat_arrays(
        [pa.repeat(pa.scalar(i, pa.int32()), len(table)) for i, table in enumerate(tables.values())]
    )
    rows = pa.concat_arrays([pa.arange(0, len(table)) for table in tables.values()])
    # Topics lie in ASCII order and the rows of each in theirs, and the sort is stable.
    order = pc.sort_indices(times)
    named = pa.DictionaryArray.from_arrays(topics.take(order), pa.array(tables.keys(), pa.string()))
    return pa.table({"timestamp_ns": times.take(order), "topic": named, "row": rows.take(order)})


def _rows_of(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=_ROWS_AT_A_TIME):
        yield from batch.to_pylist()


def _blocks(
    split: Split | str,
    topics: Sequence[str] | None,
    columns: Sequence[str] | None,
    store: str | os.PathLike[str] | None,
    filesystem: Any,
    block_bytes: int,
) -> Iterator[dict[str, pa.Table]]:
    with _Open(split, topics, columns, store, filesystem) as files:
        yield from files.blocks(block_bytes)


class _Open:
    """The files of a split, open while in a ``with``, and checked to be those that it was cut of."""

    def __init__(
        self,
        split: Split | str,
        topics: Sequence[str] | None,
        columns: Sequence[str] | None,
        store: str | os.PathLike[str] | None,
        filesystem: Any,
    ) -> None:
        for what, names in (("topics", topics), ("columns", columns)):
            if isinstance(names, str):
                raise TypeError(f"Cannot read a split: {what} is {names!r}, wanted a list of names")
        self._split = to_split(split)
        wanted = None if topics is None else {topic_name(name) for name in topics}
        parts = [part for part in self._split["topics"] if wanted is None or part["name"] in wanted]
        self._parts = sorted(parts, key=lambda part: part["name"])
        self._columns = None if columns is None else set(columns)
        self._store = open_store(self._split["store"] if store is None else store, filesystem)
        self._stack = ExitStack()
        self.files: dict[str, TopicFile] = {}

    def __enter__(self) -> "_Open":
        with self._stack:
            with ThreadPoolExecutor(OPEN_AT_A_TIME) as pool:
                opening = [pool.submit(self._open, part) for part in self._parts]
            # One that failed must not leave the others open.
            errors = [error for future in opening if (error := future.exception()) is not None]
            for part, future in zip(self._parts, opening):
                if future.exception() is None:
                    self.files[part["name"]] = file = future.result()
                    self._stack.callback(file.close)
            if errors:
                raise errors[0]
            self._check_columns()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def blocks(self, block_bytes: int) -> Iterator[dict[str, pa.Table]]:
        """The rows of the window, see ``blocks_of``."""
        numbers = {part["name"]: [batch[0] for batch in part["batches"]] for part in self._parts}
        window = Window(int(self._split["startNs"]), int(self._split["endNs"]))
        return blocks_of(self.files, numbers, window, block_bytes)

    def _open(self, part: SplitTopic) -> TopicFile:
        file = TopicFile(self._store, part["file"], self._columns)
        seen = f"{file.size_bytes} bytes with index {file.index.fingerprint}"
        wanted = f"{part['sizeBytes']} bytes with index {part['fingerprint']}"
        index = file.index
        same = seen == wanted and all(
            number < len(index.rows) and [offset, length, rows] == [index.offset[number], index.length[number], index.rows[number]]
            for number, offset, length, rows in part["batches"]
        )
        if same:
            return file
        file.close()
        raise SplitChanged(
            f'Cannot read a split of sequence "{self._split["sequence"]}": topic "{part["name"]}" has changed since it was '
            f"cut: found {self._store.url}/{part['file']} of {seen}, wanted {wanted}; cut it anew"
        )

    def _check_columns(self) -> None:
        known = {name for file in self.files.values() for name in file.columns}
        if self.files and (unknown := sorted((self._columns or set()) - known)):
            raise ValueError(f"Cannot read a split: no topic has columns {unknown}; there are {sorted(known)}")
