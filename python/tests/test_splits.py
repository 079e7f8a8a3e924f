"""Cutting: what is found in a store, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from recordings import write_sequence, write_topic

from smalti import SmaltiError, Split, splits
from smalti._names import file_name_of, part_of


def cut(store: Path, **options: Any) -> list[Split]:
    return list(splits(store, **options))


def code_of(store: Path, **options: Any) -> str:
    with pytest.raises(SmaltiError) as caught:
        cut(store, **options)
    return caught.value.code


@pytest.mark.parametrize(
    ("name", "file"),
    [("cam", "cam"), ("Cam", "cam!g"), ("CAM", "cam!s"), ("caM", "cam!4"), ("LEFT_Camera", "left_camera!ug")]
    + [("con", "con!"), ("Con", "con!g"), ("a" * 200 + "B", "a" * 200 + "B")],
)
def test_names_become_file_names_and_back(name: str, file: str) -> None:
    assert file_name_of(name) == file
    assert part_of(file) == name


@pytest.mark.parametrize("file", ["cam!", "cam!0", "cam!g0", "cam!x", "cam!g!g", "CAM!s"])
def test_other_file_names_stand_for_nothing(file: str) -> None:
    assert part_of(file) is None


def test_sequences_come_in_ascii_order_and_what_is_none_is_passed_over(tmp_path: Path) -> None:
    for name in ("b", "a", "a-b", "zed!g"):
        write_sequence(tmp_path, name, {"t": [[(1, 0)]]})
    write_sequence(tmp_path, "now", {}, state="recording")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    assert [split["sequence"] for split in cut(tmp_path)] == ["Zed", "a", "a-b", "b"]
    assert code_of(tmp_path, sequences=["now"]) == "LOCKED"
    assert code_of(tmp_path, sequences=["empty"]) == "NOT_FOUND"
    assert code_of(tmp_path, sequences=["a/b"]) == "INVALID_NAME"
    assert code_of(tmp_path / "none") == "NOT_FOUND"


def test_sequences_of_older_versions_are_called_as_they_are(tmp_path: Path) -> None:
    write_sequence(tmp_path, "Drive", {"Cam": [[(1, 0)]]}, version=2)
    [split] = cut(tmp_path)
    assert (split["sequence"], split["topics"][0]["file"]) == ("Drive", "Drive/Cam.arrow")
    assert cut(tmp_path, sequences=["Drive"]) == [split]


def test_files_are_where_the_manifest_says(tmp_path: Path) -> None:
    write_sequence(tmp_path, "s/sequence.0123abcd", {"t": [[(1, 0)]]})
    topics = [{"name": "other", "file": "t.arrow", "rowCount": 1}]
    write_sequence(tmp_path, "s", {}, directory="sequence.0123abcd", topics=topics)
    [split] = cut(tmp_path)
    assert [(topic["name"], topic["file"]) for topic in split["topics"]] == [("other", "s/sequence.0123abcd/t.arrow")]
    outside: list[dict[str, Any]] = [{"directory": "../s"}, {"topics": [{**topics[0], "file": "../t.arrow"}]}]
    for wrong in [*outside, {"topics": [{}]}]:
        write_sequence(tmp_path, "s", {}, **wrong)
        assert code_of(tmp_path) == "CORRUPT"
    write_sequence(tmp_path, "s", {}, version=4)
    assert code_of(tmp_path) == "UNSUPPORTED"
    (tmp_path / "s/sequence.json").write_text("{")
    assert code_of(tmp_path) == "CORRUPT"


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    write_sequence(tmp_path, "s", {"t": [[(1, 0), (2, 1)]]})
    path = tmp_path / "s/t.arrow"
    whole = path.read_bytes()
    for wrong in (whole[:-8], whole[:100], b"", b"no Arrow file at all"):
        path.write_bytes(wrong)
        assert code_of(tmp_path) == "CORRUPT"
    write_topic(path, [[(1, 0), (2, 1)]], crc="00000000")
    assert code_of(tmp_path) == "CORRUPT"
    write_topic(path, [[(1, 0), (2, 1)]], rows=[2, 0])
    assert code_of(tmp_path) == "CORRUPT"
    write_topic(path, [[(1, 0)]])
    assert code_of(tmp_path) == "CORRUPT"  # fewer rows than the manifest says
    path.unlink()
    assert code_of(tmp_path) == "NOT_FOUND"


def test_windows_topics_and_sizes(tmp_path: Path) -> None:
    second = 10**9
    topics = {name: [[(i * second, i) for i in range(10)]] for name in ("a", "b/c")}
    write_sequence(tmp_path, "s", topics)
    assert [split["name"] for split in cut(tmp_path, by={"seconds": 4})] == [
        "s-0-4000000000",
        "s-4000000000-8000000000",
        "s-8000000000-9000000001",
    ]
    [split] = cut(tmp_path, by="sequence", topics=["/b/c", "none"], start_ns=5, end_ns=second)
    assert (split["startNs"], split["endNs"], [topic["name"] for topic in split["topics"]]) == ("5", str(second), ["b/c"])
    assert len(cut(tmp_path, by={"bytes": split["bytes"] / 2})) == 4
    assert json.loads(json.dumps(split)) == split
    assert split["store"] == str(tmp_path)
    assert cut(tmp_path, start_ns=10 * second) == []
    # Halves are rounded up.
    assert cut(tmp_path, by={"seconds": 2.5 + 2**-32})[0]["endNs"] == "2500000000"


@pytest.mark.parametrize("by", ["none", {}, {"bytes": 0}, {"bytes": 1, "seconds": 1}, {"seconds": "1"}, {"rows": 1}])
def test_sizes_must_make_sense(tmp_path: Path, by: Any) -> None:
    with pytest.raises(TypeError, match="by is"):
        splits(tmp_path, by=by)


def test_other_arguments_must_make_sense(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="wanted a list of names"):
        splits(tmp_path, topics="a")
    with pytest.raises(TypeError, match="start_ns is 0.5"):
        splits(tmp_path, start_ns=0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="end_ns is"):
        splits(tmp_path, end_ns=2**63)
    with pytest.raises(ValueError, match="start_ns at or before end_ns"):
        splits(tmp_path, start_ns=2, end_ns=1)
    write_sequence(tmp_path, "s", {"t": [[(0, 0), (10**12, 1)]]})
    with pytest.raises(ValueError, match="1000000"):
        cut(tmp_path, by={"seconds": 1e-9})
