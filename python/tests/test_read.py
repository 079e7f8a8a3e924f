"""Reading: each row once, in the strict order, of the files that were cut, and no others."""

import json
import os
import pickle
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs
from recordings import Rows, write_sequence, write_topic

from smalti import SmaltiError, Split, SplitChanged, SplitSize, batches, merged, read, splits

NAMES = ["a", "b", "a-b", "a/b", "a0", "a_b"]


def random_recording(rng: random.Random) -> dict[str, list[Rows]]:
    """Batches that overlap, with many rows of one time."""
    topics: dict[str, list[Rows]] = {}
    for name in rng.sample(NAMES, rng.randint(1, 4)):
        serial = 0
        found: list[Rows] = []
        for _ in range(rng.randint(0, 8)):
            start, spread = rng.randint(-20, 20), rng.choice([0, 3, 30, 2**40])
            times = sorted(start + rng.randint(0, spread) for _ in range(rng.randint(1, 40)))
            found.append([(time, serial + i) for i, time in enumerate(times)])
            serial += len(times)
        topics[name] = found
    return topics


def in_order(topics: dict[str, list[Rows]]) -> list[tuple[int, str, int]]:
    """All rows in strict order; serial numbers of a topic are in the order of writing."""
    return sorted((time, name, serial) for name, found in topics.items() for rows in found for time, serial in rows)


def messages(split: Split, **options: Any) -> list[tuple[int, str, int]]:
    found = []
    for block in merged(split, **options):
        assert set(block.tables) == set(block.order["topic"].to_pylist())
        for topic, row in block.messages():
            assert row["label"] == f"row {row['serial']}"
            found.append((row["timestamp_ns"], topic, row["serial"]))
        assert block.order["timestamp_ns"].to_pylist() == [time for time, _, _ in found[-len(block.order) :]]
    return found


def test_splits_hold_each_row_once_in_strict_order(tmp_path: Path) -> None:
    seed = int(os.environ.get("SMALTI_SEED", random.randrange(2**31)))
    for case in range(25):
        store = tmp_path / str(case)
        recording = random_recording(random.Random(seed + case))
        write_sequence(store, "s", recording)
        wanted = in_order(recording)
        sizes: list[SplitSize] = ["sequence", {"bytes": 500}, {"bytes": 5000}]
        for by in sizes:
            for block_bytes in (1, 2000, 2**25):
                found = [row for split in splits(store, by=by) for row in messages(split, block_bytes=block_bytes)]
                assert found == wanted, f"SMALTI_SEED={seed + case} {by} {block_bytes}"
        for split in splits(store, by={"bytes": 500}):
            tables = read(json.dumps(split))
            assert list(tables) == [topic["name"] for topic in split["topics"]]
            parts: dict[str, list[Any]] = {name: [] for name in tables}
            for name, batch in batches(split, block_bytes=1000):
                parts[name] += batch["serial"].to_pylist()
            for name, table in tables.items():
                window = range(int(split["startNs"]), int(split["endNs"]))
                rows = [serial for time, topic, serial in wanted if topic == name and time in window]
                assert table["serial"].to_pylist() == parts[name] == rows, f"SMALTI_SEED={seed + case}"


def split_of(store: Path, topics: dict[str, list[Rows]]) -> Split:
    write_sequence(store, "s", topics)
    [split] = splits(store, by="sequence")
    return split


def test_blocks_are_small_where_batches_do_not_overlap(tmp_path: Path) -> None:
    rows: list[Rows] = [[(i * 100 + j, i * 100 + j) for j in range(100)] for i in range(50)]
    split = split_of(tmp_path, {"a": rows, "b": rows})
    sizes = [len(block.order) for block in merged(split, block_bytes=1)]
    assert sum(sizes) == 10_000
    assert max(sizes) <= 200


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are not told")
def test_files_are_closed_however_reading_ends(tmp_path: Path) -> None:
    rows: list[Rows] = [[(i, i)] for i in range(100)]
    split = split_of(tmp_path, {"a": rows, "b": rows})
    before = len(os.listdir("/proc/self/fd"))
    blocks = merged(split, block_bytes=1)
    next(blocks)
    assert len(os.listdir("/proc/self/fd")) > before
    blocks.close()  # type: ignore[attr-defined]
    write_topic(tmp_path / "s/b.arrow", [[(5, 1)]])
    with pytest.raises(SplitChanged):
        read(split)
    with pytest.raises(ValueError):
        read(split, topics=["a"], columns=["none"])
    write_topic(tmp_path / "s/a.arrow", rows, crc="00000000")
    with pytest.raises(SmaltiError):
        read(split, topics=["a"])
    assert len(os.listdir("/proc/self/fd")) == before


def test_topics_and_columns_are_chosen(tmp_path: Path) -> None:
    split = split_of(tmp_path, {"a": [[(1, 0), (3, 1)]], "b": [[(2, 0)]]})
    assert list(read(split, topics=["/b", "none"])) == ["b"]
    tables = read(split, columns=["label"])
    assert tables["a"].column_names == ["timestamp_ns", "label"]
    assert tables["a"]["label"].to_pylist() == ["row 0", "row 1"]
    assert tables["a"].schema.metadata[b"smalti:version"] == b"1"
    assert read(split, columns=[])["a"].column_names == ["timestamp_ns"]
    with pytest.raises(ValueError, match="no topic has columns"):
        read(split, columns=["label", "none"])
    with pytest.raises(TypeError, match="wanted a list of names"):
        read(split, columns="label")
    assert read(split, topics=[]) == {}


def test_topics_without_rows_in_the_window_are_there(tmp_path: Path) -> None:
    write_sequence(tmp_path, "s", {"a": [[(0, 0), (100, 1)]], "b": [[(50, 0)]]})
    [split] = splits(tmp_path, by="sequence", start_ns=40, end_ns=60)
    assert {name: len(table) for name, table in read(split).items()} == {"a": 0, "b": 1}
    assert messages(split) == [(50, "b", 0)]


def test_the_extremes_of_time(tmp_path: Path) -> None:
    first, last = -(2**63), 2**63 - 1
    split = split_of(tmp_path, {"a": [[(first, 0), (last, 1)]], "b": [[(last, 0)]]})
    assert split["endNs"] == str(2**63)
    assert messages(split) == [(first, "a", 0), (last, "a", 1), (last, "b", 0)]


def test_a_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    split = split_of(tmp_path, {"a": [[(1, 0)], [(2, 1)]], "b": [[(5, 0)]]})
    write_topic(tmp_path / "s/b.arrow", [[(5, 1)]])
    assert messages(split) == [(1, "a", 0), (2, "a", 1), (5, "b", 1)]  # rows changed, index did not: that is not seen
    write_topic(tmp_path / "s/b.arrow", [[(6, 0)]])
    with pytest.raises(SplitChanged, match=r'"s".*"b" has changed.*cut it anew') as caught:
        read(split)
    assert caught.value.code == "IO"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert messages(split, topics=["a"]) == [(1, "a", 0), (2, "a", 1)]
    write_topic(tmp_path / "s/a.arrow", [[(1, 0), (2, 1)]])  # compacted
    with pytest.raises(SplitChanged):
        read(split)
    shutil.rmtree(tmp_path / "s")
    with pytest.raises(SmaltiError, match="NOT_FOUND"):
        read(split)


def test_a_batch_that_is_not_what_the_index_tells_of_is_refused(tmp_path: Path) -> None:
    for rows, facts in ((3, {"rows": [3]}), (2, {"firstNs": [0]}), (2, {"lastNs": [3]})):
        write_sequence(tmp_path, "s", {}, topics=[{"name": "a", "rowCount": rows}])
        write_topic(tmp_path / "s/a.arrow", [[(1, 0), (2, 1)]], **facts)
        [split] = splits(tmp_path)
        with pytest.raises(SmaltiError, match="CORRUPT.*batch 0"):
            read(split)


def test_recordings_may_be_elsewhere_by_now(tmp_path: Path) -> None:
    split = split_of(tmp_path / "here", {"a": [[(1, 0)]]})
    (tmp_path / "here").rename(tmp_path / "there")
    with pytest.raises(SmaltiError, match="NOT_FOUND"):
        read(split)
    assert len(read(split, store=tmp_path / "there")["a"]) == 1


def test_a_file_system_can_be_given(tmp_path: Path) -> None:
    write_sequence(tmp_path / "bucket/fleet", "s", {"a": [[(1, 0)]]})
    bucket = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    [split] = splits("s3://key:secret@bucket/fleet/", filesystem=bucket)
    assert split["store"] == "s3://bucket/fleet"
    assert messages(split, filesystem=bucket) == [(1, "a", 0)]
    with pytest.raises(SmaltiError, match="UNSUPPORTED.*give a filesystem"):
        splits("none://bucket/fleet")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"format": "other"}, 'wanted an object with format "smalti-split"'),
        ({"version": 2}, "version is 2, wanted 1"),
        ({"startNs": 5}, "startNs is 5"),
        ({"topics": [{}]}, "topics are not"),
    ],
)
def test_what_is_no_split_is_refused(tmp_path: Path, change: Any, text: str) -> None:
    split: Any = split_of(tmp_path, {"a": [[(1, 0)]]})
    with pytest.raises(SmaltiError, match=f"INVALID_ARGUMENT.*{text}"):
        read(split | change)
    others: list[Any] = ["{", "[]", {**split, "topics": [{**split["topics"][0], "file": "../a.arrow"}]}]
    for wrong in others:
        with pytest.raises(SmaltiError, match="INVALID_ARGUMENT"):
            read(wrong)
