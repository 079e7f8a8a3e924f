"""Splits as a source of Ray Data."""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from smalti._names import topic_name
from smalti._read import batches
from smalti._split import Split, SplitTopic, to_split


def ray_datasource(
    splits: Iterable[Split | str],
    topic: str,
    *,
    columns: Sequence[str] | None = None,
    sequence_column: str | None = "sequence",
    store: str | os.PathLike[str] | None = None,
    filesystem: Any = None,
) -> Any:
    """A ``ray.data.Datasource`` of the rows of one topic, with a read task a split that has it.

    Each row has its sequence's name as ``sequence_column``, unless that is None. Ray hears of each task's bytes as stored and
    of its file. It is not told how many rows a task has, as batches on the edge of splits count in both: Ray would take the
    sum for the count of rows. The rest is as of ``batches``; Ray starts a task that failed anew, which changes nothing.

    >>> import ray
    >>> source = ray_datasource(splits("s3://bucket/recordings"), "imu", columns=["acceleration"])  # doctest: +SKIP
    >>> ray.data.read_datasource(source).count()  # doctest: +SKIP
    """
    from ray.data import Datasource
    from ray.data.block import BlockMetadata
    from ray.data.datasource import ReadTask

    name = topic_name(topic)
    parts = [(split, part) for split in map(to_split, splits) for part in split["topics"] if part["name"] == name]

    def read_task(split: Split, part: SplitTopic) -> Any:
        # The task takes what it needs of the split, which may have a thousand topics.
        alone: Split = {**split, "topics": [part]}

        def rows() -> Iterator[pa.Table]:
            for _, batch in batches(alone, columns=columns, store=store, filesystem=filesystem):
                yield _with_sequence(pa.Table.from_batches([batch]), sequence_column, split["sequence"])

        size = _stored_bytes(part)
        return ReadTask(rows, BlockMetadata(num_rows=None, size_bytes=size, exec_stats=None, input_files=(part["file"],)))

    class SplitDatasource(Datasource):  # type: ignore[misc]
        def get_read_tasks(
            self, parallelism: int, per_task_row_limit: int | None = None, data_context: Any = None
        ) -> list[Any]:
            return [read_task(split, part) for split, part in parts]

        def estimate_inmemory_data_size(self) -> int:
            return sum(_stored_bytes(part) for _, part in parts)

        def get_name(self) -> str:
            return "Smalti"

    return SplitDatasource()


def _stored_bytes(part: SplitTopic) -> int:
    return sum(batch[2] for batch in part["batches"])


def _with_sequence(table: pa.Table, column: str | None, sequence: str) -> pa.Table:
    if column is None:
        return table
    if column in table.column_names:
        raise ValueError(f"Cannot read a split: the topic has a column {column!r}; give another sequence_column, or None")
    return table.append_column(column, pa.repeat(pa.scalar(sequence, pa.string()), len(table)))
