"""Workers of a cluster that write what they make of splits: sdk_splits.py STORE PORT prints as JSON what came of each task."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

from mosaicolabs import Message, MosaicoClient, SessionLevelErrorPolicy, Temperature

sys.path.insert(0, str(Path(__file__).parents[2] / "python" / "src"))

import smalti  # noqa: E402

logging.disable(logging.CRITICAL)


def write_mean(port, split, crash=False):
    """As python/README.md has it."""
    with MosaicoClient.connect("127.0.0.1", int(port)) as client:
        found = client.sequence_handler(split["name"])
        if found and all(session.locked for session in found.sessions):
            return "done before"
        if found:
            client.sequence_delete(split["name"])
        metadata = {"sequence": split["sequence"]}
        on_error = SessionLevelErrorPolicy.Delete
        with client.sequence_create(split["name"], metadata, on_error=on_error) as sequence:
            topic = sequence.topic_create("mean", {}, Temperature)
            for block in smalti.merged(split, columns=["value"]):
                values = block.tables["temp"]["value"].to_pylist()
                time = block.order["timestamp_ns"][0].as_py()
                topic.push(Message(timestamp_ns=time, data=Temperature(value=sum(values) / len(values))))
                if crash:
                    os._exit(0)
        return "anew" if found else "written"


store, port, *crash = sys.argv[1:]
splits = list(smalti.splits(store, by={"seconds": 1}))
if crash:
    write_mean(port, splits[1], crash=True)
done = []
for number, split in enumerate(splits):
    if number == 1:  # Its worker is killed in the middle.
        subprocess.run([sys.executable, __file__, store, port, "crash"], check=True)
    done.append([split["name"], write_mean(port, split), write_mean(port, split)])
print(json.dumps(done))
