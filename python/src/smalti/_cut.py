"""Cuts sequences into splits, as ``client.splits`` of the TypeScript library does."""

import math
import os
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypedDict, final

from smalti._error import SmaltiError
from smalti._manifest import Manifest, StoredTopic, read_manifest
from smalti._names import is_sequence_name, part_of, sequence_name, topic_name
from smalti._split import Split, SplitTopic
from smalti._store import Store, open_store
from smalti._topic_file import Index, TopicFile
from smalti._windows import Touching, Window, balanced_windows, extent_of, windows_of

MIN_NS = -(2**63)
MAX_NS = 2**63 - 1
OPEN_AT_A_TIME = 16
"""Topics whose files are opened side by side: each takes an object store some requests."""

_NS_PER_S = 1e9
_MOST_NAME = 200
_TRIED = "Cannot cut splits"


@final
class ByBytes(TypedDict):
    """About so many bytes each, as they lie in the files."""

    bytes: float


@final
class BySeconds(TypedDict):
    """So many seconds each, from the first row of the sequence on."""

    seconds: float


SplitSize = Literal["sequence"] | ByBytes | BySeconds
"""How large splits are: a whole sequence each, about so many bytes, or so many seconds."""


def splits(
    store: str | os.PathLike[str],
    *,
    sequences: Sequence[str] | None = None,
    topics: Sequence[str] | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    by: SplitSize = {"bytes": 256 * 2**20},
    filesystem: Any = None,
) -> Iterator[Split]:
    """Cuts sequences into pieces for the workers of a cluster, of about the same size, each row in exactly one.

    By sequence in ASCII order, within one in time order. Goes by the indexes alone and reads no batch. Sequences that are
    being recorded are passed over, unless they are named; topics that a sequence does not have always are.

    ``store`` is a directory or a URL that pyarrow opens, such as ``s3://bucket/prefix``; ``filesystem``, of pyarrow or
    fsspec, has the credentials where some are needed. ``start_ns`` is inside, ``end_ns`` is not.

    Raises SmaltiError with NOT_FOUND and LOCKED for sequences that are named, UNSUPPORTED for files that smalti has not
    written, CORRUPT; TypeError and ValueError for arguments that make no sense.

    >>> for split in splits("recordings", by={"seconds": 60}):  # doctest: +SKIP
    ...     print(split["name"], split["rows"])
    """
    for what, names in (("sequences", sequences), ("topics", topics)):
        if isinstance(names, str):
            raise TypeError(f"{_TRIED}: {what} is {names!r}, wanted a list of names")
    asked = Window(
        MIN_NS if start_ns is None else _checked_ns("start_ns", start_ns),
        MAX_NS + 1 if end_ns is None else _checked_ns("end_ns", end_ns),
    )
    if asked.start_ns > asked.end_ns:
        text = f"from start_ns {asked.start_ns} to end_ns {asked.end_ns}: wanted start_ns at or before end_ns"
        raise ValueError(f"{_TRIED} {text}")
    _check_size(by)
    named = None if sequences is None else [sequence_name(name) for name in sequences]
    wanted = None if topics is None else {topic_name(name) for name in topics}
    return _splits_of(open_store(store, filesystem), named, wanted, asked, by)


def _splits_of(
    store: Store, named: list[str] | None, wanted: set[str] | None, asked: Window, by: SplitSize
) -> Iterator[Split]:
    for name in _sequences_in(store) if named is None else named:
        try:
            manifest = read_manifest(store, name)
        except SmaltiError as error:
            if named is None and error.code == "NOT_FOUND":
                continue  # Removed since it was listed, or a directory of something else.
            raise
        if manifest.is_recording:
            if named is None:
                continue
            text = f'Cannot cut splits of sequence "{name}" in {store.url}: it is being recorded'
            raise SmaltiError("LOCKED", text)
        chosen = [topic for topic in manifest.topics if wanted is None or topic.name in wanted]
        yield from _cut(store, manifest, chosen, asked, by)


def _sequences_in(store: Store) -> list[str]:
    names = {name for name in map(part_of, store.list()) if name is not None}
    return sorted(filter(is_sequence_name, names))


class _Found:
    """What a topic's file tells, without the file."""

    def __init__(self, store: Store, topic: StoredTopic) -> None:
        file = TopicFile(store, topic.file)
        file.close()
        self.topic = topic
        self.size_bytes = file.size_bytes
        self.index: Index = file.index
        self.touching = Touching(file.index)
        if sum(self.index.rows) != topic.rows:
            text = f"{store.url}/{topic.file} has {sum(self.index.rows)} rows, its manifest says {topic.rows}"
            raise SmaltiError("CORRUPT", f"{_TRIED}: {text}")

    def part(self, window: Window) -> SplitTopic | None:
        """The batches that touch a window; None where none do."""
        _, offset, length, rows, _, _ = self.index
        batches = [[batch, offset[batch], length[batch], rows[batch]] for batch in self.touching.batches(window)]
        if not batches:
            return None
        return {
            "name": self.topic.name,
            "file": self.topic.file,
            "sizeBytes": self.size_bytes,
            "fingerprint": self.index.fingerprint,
            "batches": batches,
        }


def _cut(store: Store, manifest: Manifest, topics: list[StoredTopic], asked: Window, by: SplitSize) -> Iterator[Split]:
    with ThreadPoolExecutor(OPEN_AT_A_TIME) as pool:
        found = list(pool.map(lambda topic: _Found(store, topic), topics))
    indexes = [topic.index for topic in found]
    extent = extent_of(indexes)
    if extent is None:
        return
    whole = Window(max(extent.start_ns, asked.start_ns), min(extent.end_ns, asked.end_ns))
    if whole.start_ns >= whole.end_ns:
        return
    for window in _windows(indexes, whole, by, f'{_TRIED} of sequence "{manifest.name}"'):
        parts = [part for topic in found if (part := topic.part(window)) is not None]
        if not parts:
            continue
        batches = [batch for part in parts for batch in part["batches"]]
        yield {
            "format": "smalti-split",
            "version": 1,
            "name": _name_of(manifest.name, window),
            "store": store.url,
            "sequence": manifest.name,
            "startNs": str(window.start_ns),
            "endNs": str(window.end_ns),
            "bytes": sum(batch[2] for batch in batches),
            "rows": sum(batch[3] for batch in batches),
            "topics": parts,
        }


def _windows(indexes: list[Index], whole: Window, by: SplitSize, tried: str) -> Iterator[Window]:
    if by == "sequence":
        return iter([whole])
    if "bytes" in by:
        return balanced_windows(indexes, whole, by["bytes"], tried)
    # Halves are rounded up, as in JavaScript.
    whole_ns, part_ns = divmod(by["seconds"] * _NS_PER_S, 1)
    return windows_of(whole, max(1, int(whole_ns) + (part_ns >= 0.5)), tried)


def _name_of(sequence: str, window: Window) -> str:
    full = f"{sequence}-{window.start_ns}-{window.end_ns}"
    if len(full) <= _MOST_NAME:
        return full
    crc = f"{zlib.crc32(full.encode()):08x}"
    return f"{full[: _MOST_NAME - len(crc) - 1]}-{crc}"


def _check_size(by: Any) -> None:
    if by == "sequence":
        return
    if isinstance(by, dict) and len(by) == 1:
        [(kind, size)] = by.items()
        if kind in ("bytes", "seconds") and isinstance(size, (int, float)) and 0 < size < math.inf:
            return
    wanted = 'wanted "sequence", {"bytes": n} or {"seconds": s} above 0'
    raise TypeError(f"{_TRIED}: by is {by!r}, {wanted}")


def _checked_ns(name: str, ns: int) -> int:
    if not isinstance(ns, int):
        raise TypeError(f"{_TRIED}: {name} is {ns!r}, wanted an int of nanoseconds")
    if not MIN_NS <= ns <= MAX_NS:
        raise ValueError(f"{_TRIED}: {name} is {ns}, wanted int64 (-2**63 to 2**63 - 1)")
    return ns
