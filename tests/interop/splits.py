"""What the Python package makes of stores: splits.py REQUESTS prints a line of JSON for each request of that file.

A request has a `store`, options of `splits`, and whether the `rows` are wanted; the answer has the splits as JSON texts, and
of all rows in strict order the topic, the time and the serial number.
"""

import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "python" / "src"))

import smalti  # noqa: E402


def text(split):
    return json.dumps(split, separators=(",", ":"), ensure_ascii=False)


def rows_of(splits):
    for split in splits:
        # Blocks so small that batches which overlap are held over.
        for block in smalti.merged(split, columns=["serial"], block_bytes=4096):
            for topic, row in block.messages():
                yield f"{topic} {row['timestamp_ns']} {row['serial']}"


def order_hash(splits):
    """As the demo has it: a line for each row, numbered within its topic."""
    order, rows = hashlib.sha256(), {}
    for split in splits:
        for block in smalti.merged(split, columns=[]):
            times, topics = block.order["timestamp_ns"].to_pylist(), block.order["topic"].to_pylist()
            for time, topic in zip(times, topics):
                row = rows.get(topic, 0)
                rows[topic] = row + 1
                order.update(f"{time} /{topic} {row}\n".encode())
    return order.hexdigest()


for request in json.loads(Path(sys.argv[1]).read_text()):
    options = {key: int(request[key]) for key in ("start_ns", "end_ns") if request.get(key) is not None}
    found = list(smalti.splits(request["store"], by=request["by"], topics=request.get("topics"), **options))
    answer = {"splits": [text(split) for split in found]}
    if request.get("rows"):
        answer["rows"] = list(rows_of(found))
    if request.get("hash"):
        answer["hash"] = order_hash(found)
    print(json.dumps(answer))
