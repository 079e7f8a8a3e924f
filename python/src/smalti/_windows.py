"""Windows of time, by the index alone; number for number as `src/splits/cut_windows.ts` cuts them."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from smalti._topic_file import Index

_MOST_WINDOWS = 1_000_000


class Window(NamedTuple):
    """``start_ns`` is in it, ``end_ns`` is not."""

    start_ns: int
    end_ns: int


def extent_of(topics: Sequence[Index]) -> Window | None:
    """From the first to the last time of batches; None where there are none."""
    firsts = [min(topic.first_ns) for topic in topics if topic.first_ns]
    if not firsts:
        return None
    return Window(min(firsts), max(max(topic.last_ns) for topic in topics if topic.last_ns) + 1)


def windows_of(whole: Window, period_ns: int, tried: str) -> Iterator[Window]:
    """Windows of so many nanoseconds from the first time on."""
    count = -(-(whole.end_ns - whole.start_ns) // period_ns)
    _check_count(count, tried, f"of {period_ns} ns")
    for start in range(whole.start_ns, whole.end_ns, period_ns):
        yield Window(start, min(start + period_ns, whole.end_ns))


def balanced_windows(topics: Sequence[Index], whole: Window, max_bytes: float, tried: str) -> Iterator[Window]:
    """As few windows as have about so many bytes each at most, all about the same; a batch's bytes are spread over its time."""
    start_ns, end_ns = whole
    span = float(end_ns - start_ns)
    changes: list[tuple[float, float]] = []
    total = 0.0
    for topic in topics:
        for first_ns, last_ns, length in zip(topic.first_ns, topic.last_ns, topic.length):
            first, end = float(first_ns - start_ns), float(last_ns - start_ns) + 1
            begin, stop = max(0.0, first), min(span, end)
            if begin >= stop:
                continue
            rate = length / (end - first)
            total += rate * (stop - begin)
            changes += [(begin, rate), (stop, -rate)]
    changes.sort(key=lambda change: change[0])
    count = max(1, math.ceil(min(span, total / max_bytes)))
    _check_count(count, tried, f"of {max_bytes} bytes")
    start = start_ns
    done, rate, at, number = 0.0, 0.0, 0.0, 1
    for time, by in changes:
        # What lies between two changes grows at one rate, so the times at which it passes a multiple are known.
        while number < count:
            wanted = total * number / count - done
            # Where all is silent, what is left of the rate is a rounding error of either sign.
            cut = at if wanted <= 0 else at + wanted / rate if rate > 0 else math.inf
            if not cut <= time:
                break
            number += 1
            to = start_ns + math.ceil(cut)
            if to <= start or to >= end_ns:
                continue
            yield Window(start, to)
            start = to
        done += rate * (time - at)
        at = time
        rate += by
    yield Window(start, end_ns)


class Touching:
    """The batches of a topic that touch windows, which are asked for one after another in time order."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._order = sorted(range(len(index.rows)), key=index.first_ns.__getitem__)
        self._next = 0
        self._open: list[int] = []

    def batches(self, window: Window) -> list[int]:
        """Their numbers, in the order of the file."""
        first_ns, last_ns = self._index.first_ns, self._index.last_ns
        while self._next < len(self._order) and first_ns[self._order[self._next]] < window.end_ns:
            self._open.append(self._order[self._next])
            self._next += 1
        self._open = [batch for batch in self._open if last_ns[batch] >= window.start_ns]
        return sorted(self._open)


def _check_count(count: int, tried: str, size: str) -> None:
    if count > _MOST_WINDOWS:
        raise ValueError(f"{tried}: there are {count} {size}, wanted at most {_MOST_WINDOWS}")
