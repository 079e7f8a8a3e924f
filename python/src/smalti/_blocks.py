"""The rows of a split in blocks: stretches of time one after another, so that few batches are held at a time."""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from smalti._topic_file import TopicFile
from smalti._windows import Window

BLOCK_BYTES = 32 * 2**20
"""Of a block as Arrow holds it, about; more where single batches have more."""
READS_AHEAD = 8
"""Batches that are read before they are needed: an object store takes its time for each."""


class Pending:
    """Rows of a topic that were read and are still to come."""

    def __init__(self, schema: Any) -> None:
        self.schema = schema
        self._batches: list[tuple[int, Any]] = []

    def add(self, number: int, batch: Any) -> None:
        """Adds a batch, by its number in the file."""
        self._batches.append((number, batch))

    def take(self, before_ns: int | None) -> Any:
        """The rows before a time, as a table in the order of the topic; all for None."""
        taken, rest = [], []
        for number, batch in self._batches:
            cut = len(batch) if before_ns is None else first_row(batch, before_ns)
            if cut > 0:
                taken.append((number, batch.slice(0, cut)))
            if cut < len(batch):
                rest.append((number, batch.slice(cut)))
        self._batches = rest
        # Rows of one time go by the number of their batch, then by row: the sort is stable.
        taken.sort(key=lambda pair: pair[0])
        batches = [batch for _, batch in taken]
        table = pa.Table.from_batches(batches, self.schema)
        ends = [(batch.column(0)[0].as_py(), batch.column(0)[-1].as_py()) for batch in batches]
        if all(before[1] <= after[0] for before, after in zip(ends, ends[1:])):
            return table
        return table.take(pc.sort_indices(table.column(0)))

    @property
    def bytes(self) -> int:
        """Of what it holds."""
        return sum(batch.nbytes for _, batch in self._batches)


def blocks_of(
    files: dict[str, TopicFile], batches: dict[str, list[int]], window: Window, block_bytes: int
) -> Iterator[dict[str, Any]]:
    """For one stretch of time after another a table a topic that has rows in it, in the order of the names."""
    pending = {name: Pending(file.schema) for name, file in files.items()}
    todo = sorted((files[name].index.first_ns[number], name, number) for name in files for number in batches[name])
    held, most = 0, block_bytes
    reads = [partial(files[name].batch, number) for _, name, number in todo]
    with closing(_ahead(reads)) as coming:
        for at, (batch, (_, name, number)) in enumerate(zip(coming, todo)):
            batch = _inside(batch, window)
            if len(batch) > 0:
                pending[name].add(number, batch)
                held += batch.nbytes
            is_last = at + 1 == len(todo)
            if not is_last and held < most:
                continue
            # No row of what is still to be read is before it.
            before_ns = None if is_last else todo[at + 1][0]
            tables = {name: table for name, rows in pending.items() if len(table := rows.take(before_ns)) > 0}
            if tables:
                yield tables
            held = sum(rows.bytes for rows in pending.values())
            # Where batches overlap much, so that little could be taken, it is tried again after as much has come.
            most = 2 * held + block_bytes


def _ahead(calls: Sequence[Callable[[], Any]]) -> Generator[Any, None, None]:
    """What calls give, in their order; some are under way while the caller is at work."""
    pool = ThreadPoolExecutor(READS_AHEAD)
    try:
        coming = deque(pool.submit(call) for call in calls[:READS_AHEAD])
        for at in range(len(calls)):
            result = coming.popleft().result()
            if at + READS_AHEAD < len(calls):
                coming.append(pool.submit(calls[at + READS_AHEAD]))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)


def first_row(batch: Any, ns: int) -> int:
    """The first row at a time or after it."""
    times = batch.column(0)
    return bisect_left(range(len(times)), ns, key=lambda row: times[row].as_py())


def _inside(batch: Any, window: Window) -> Any:
    start, end = first_row(batch, window.start_ns), first_row(batch, window.end_ns)
    return batch.slice(start, end - start)
