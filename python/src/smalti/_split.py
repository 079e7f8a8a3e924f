"""What a split is: a piece of a recording that one worker reads, in plain JSON."""

import json
import re
from typing import Any, TypedDict, cast

from smalti._error import SmaltiError


class SplitTopic(TypedDict):
    """A topic's part of a split."""

    name: str
    file: str
    """Its Arrow IPC file, relative to the store."""
    sizeBytes: int
    fingerprint: str
    """Which state of the file it is: ``smalti:index_crc`` of its footer."""
    batches: list[list[int]]
    """Those that touch the window, in the order of the file: number, offset and length of the message, rows."""


class Split(TypedDict):
    """All rows of some topics of a sequence in a window of time. Each row of the sequence is in exactly one of its splits."""

    format: str
    version: int
    name: str
    """A name for what is made of it, the same each time; a valid name of a sequence."""
    store: str
    """Where the recordings are, without secrets."""
    sequence: str
    startNs: str
    """First time inside, ns; a decimal string, as some readers of JSON know no integers beyond 2^53."""
    endNs: str
    """First time after it, ns."""
    bytes: int
    """Of all batches that touch it; those on its edge count in the next one too."""
    rows: int
    """Of these batches."""
    topics: list[SplitTopic]
    """In ASCII order of their names; those that have rows in the window, or may have."""


_NS = re.compile(r"-?[0-9]{1,19}")
_PATH = re.compile(r"[A-Za-z0-9_!-][A-Za-z0-9_!.-]*(/[A-Za-z0-9_!-][A-Za-z0-9_!.-]*)*")
_TOPIC_TYPES = {"name": str, "file": str, "sizeBytes": int, "fingerprint": str, "batches": list}


def to_split(split: Split | str) -> Split:
    """A split from JSON text, or from what that was parsed to; INVALID_ARGUMENT where it is none."""
    found: Any = split
    if isinstance(split, str):
        try:
            found = json.loads(split)
        except ValueError as cause:
            raise _not_split(f"it is no JSON: {cause}") from cause
    if not isinstance(found, dict) or found.get("format") != "smalti-split":
        raise _not_split(f'it is {found!r:.100}, wanted an object with format "smalti-split"')
    if found.get("version") != 1:
        raise _not_split(f"version is {found.get('version')!r}, wanted 1")
    for key in ("store", "sequence", "name"):
        if not isinstance(found.get(key), str):
            raise _not_split(f"{key} is {found.get(key)!r}, wanted a text")
    for key in ("startNs", "endNs"):
        if not isinstance(found.get(key), str) or not _NS.fullmatch(found[key]):
            raise _not_split(f"{key} is {found.get(key)!r}, wanted nanoseconds as a decimal string")
    topics = found.get("topics")
    if not isinstance(topics, list) or not all(map(_is_topic, topics)):
        raise _not_split("topics are not { name, file, sizeBytes, fingerprint, batches } each")
    return cast(Split, found)


def _is_topic(topic: Any) -> bool:
    return (
        isinstance(topic, dict)
        and all(isinstance(topic.get(key), type_) for key, type_ in _TOPIC_TYPES.items())
        # It must not lead out of the store.
        and _PATH.fullmatch(topic["file"]) is not None
        and all(len(batch) == 4 and all(isinstance(fact, int) for fact in batch) for batch in topic["batches"])
    )


def _not_split(text: str) -> SmaltiError:
    return SmaltiError("INVALID_ARGUMENT", f"Cannot open a split: {text}")
