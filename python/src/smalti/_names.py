"""Names of sequences and topics, and the names of their files: see "Names of files" in docs/format.md."""

import re

from smalti._error import SmaltiError

_SEQUENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_TOPIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9_-]+)*")
_DEVICE = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")
_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_BITS = 5
# There is no room for the mark in a longer one, which only version 0.1 took.
_MOST_RULED = 200
_MOST_SEQUENCE = 255


def sequence_name(name: str) -> str:
    """A sequence's name, checked."""
    if isinstance(name, str) and _SEQUENCE.fullmatch(name) and len(name) <= _MOST_SEQUENCE:
        return name
    wanted = 'letters, digits, "_" and "-", beginning with a letter or digit'
    raise SmaltiError("INVALID_NAME", f"Sequence name {name!r}: wanted {wanted}")


def topic_name(name: str) -> str:
    """A topic's name, checked, without a leading ``/``."""
    bare = name[1:] if isinstance(name, str) and name.startswith("/") else name
    if isinstance(bare, str) and _TOPIC.fullmatch(bare):
        return bare
    wanted = 'letters, digits, "_", "-" and "/" between parts, beginning with a letter or digit'
    raise SmaltiError("INVALID_NAME", f"Topic name {name!r}: wanted {wanted}")


def is_sequence_name(name: str) -> bool:
    """Whether a name follows the rule."""
    return len(name) <= _MOST_SEQUENCE and _SEQUENCE.fullmatch(name) is not None


def file_name_of(part: str) -> str:
    """What a sequence, or a part of a topic's name, is called in a store."""
    lower = part.lower()
    if (lower == part and not _DEVICE.fullmatch(part)) or len(part) > _MOST_RULED:
        return part
    digits = ""
    for start in range(0, len(part), _BITS):
        digit = 0
        for at in range(start, start + _BITS):
            digit = 2 * digit + (at < len(part) and lower[at] != part[at])
        digits += _DIGITS[digit]
    return f"{lower}!{digits.rstrip('0')}"


def part_of(file_name: str) -> str | None:
    """The name that a file's name stands for; None where it stands for none."""
    lower, mark, digits = file_name.partition("!")
    if not mark:
        return file_name
    if any(digit not in _DIGITS for digit in digits):
        return None
    bits = [_DIGITS.index(digit) >> (_BITS - 1 - bit) & 1 for digit in digits for bit in range(_BITS)]
    bits += [0] * (len(lower) - len(bits))
    part = "".join(letter.upper() if bit else letter for letter, bit in zip(lower, bits))
    return part if file_name_of(part) == file_name else None


def topic_file_of(topic: str) -> str:
    """A topic's file, relative to the directory of its sequence's files."""
    return "/".join(map(file_name_of, topic.split("/"))) + ".arrow"
