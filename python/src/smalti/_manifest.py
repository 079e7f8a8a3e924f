"""What ``sequence.json`` tells: see "The manifest" in docs/format.md."""

import json
import re
from typing import Any, NamedTuple

from smalti._error import SmaltiError
from smalti._names import file_name_of, topic_file_of, topic_name
from smalti._store import Store

_VERSIONS = (1, 2, 3)
_RULED_VERSION = 3
# What is read must not lead out of the sequence's directory.
_DIRECTORY = re.compile(r"sequence\.[0-9a-f]{8}")
_FILE = re.compile(r"[A-Za-z0-9_!-]+(/[A-Za-z0-9_!-]+)*\.arrow")


class StoredTopic(NamedTuple):
    """A topic of a sequence."""

    name: str
    file: str
    """Relative to the store."""
    rows: int


class Manifest(NamedTuple):
    """A sequence."""

    name: str
    is_recording: bool
    topics: list[StoredTopic]
    """In ASCII order of their names."""


def read_manifest(store: Store, name: str) -> Manifest:
    """NOT_FOUND, CORRUPT, UNSUPPORTED where its version is another."""
    place = file_name_of(name)
    try:
        text = store.read(f"{place}/sequence.json")
    except SmaltiError as error:
        # Older versions called the directory as the sequence; listed, since a file system may not tell capitals apart.
        if error.code != "NOT_FOUND" or place == name or name not in store.list():
            raise _not_found(store, name) if error.code == "NOT_FOUND" else error
        place = name
        text = store.read(f"{place}/sequence.json")
    try:
        return _decode(json.loads(text), name, place)
    except (ValueError, KeyError, TypeError) as cause:
        raise SmaltiError("CORRUPT", f'Manifest of sequence "{name}" in {store.url} is damaged: {cause!r}') from cause


def _decode(json: Any, name: str, place: str) -> Manifest:
    if json["format"] != "smalti":
        raise ValueError(f"format is {json['format']!r}")
    version = json["version"]
    if version not in _VERSIONS:
        raise SmaltiError("UNSUPPORTED", f'Manifest of sequence "{name}" has version {version}: wanted 1 to 3')
    files = place
    if "directory" in json:
        files = f"{place}/{_matched(json['directory'], _DIRECTORY)}"
    topics = []
    for topic in json["topics"]:
        called = topic_name(topic["name"])
        if "file" in topic:
            file = _matched(topic["file"], _FILE)
        else:
            file = topic_file_of(called) if version >= _RULED_VERSION else f"{called}.arrow"
        topics.append(StoredTopic(called, f"{files}/{file}", int(topic["rowCount"])))
    return Manifest(name, json["state"] == "recording", topics)


def _matched(text: Any, pattern: re.Pattern[str]) -> str:
    if isinstance(text, str) and pattern.fullmatch(text):
        return text
    raise ValueError(f"there is a path {text!r}")


def _not_found(store: Store, name: str) -> SmaltiError:
    return SmaltiError("NOT_FOUND", f'There is no sequence "{name}" in {store.url}')
