"""What the real Python SDK may do and sees: `sdk_access.py PART PORT ...` prints what came of it as JSON."""

import json
import logging
import sys

from mosaicolabs import (
    CompressedImage,
    Message,
    MosaicoClient,
    QuerySequence,
    SessionLevelErrorPolicy,
    Temperature,
)
from mosaicolabs.enum.grpc_compression import GRPCCompressionAlgorithm

# What it refuses is asked for here, and is told by what it raises.
logging.disable(logging.CRITICAL)


def connect(port, **options):
    return MosaicoClient.connect("127.0.0.1", int(port), **options)


def name_of(call):
    """What came of a call: "ok", or the class of what it raised."""
    try:
        call()
        return "ok"
    except Exception as error:
        return type(error).__name__


def write(client, name, rows=1):
    with client.sequence_create(name, {}) as sequence:
        topic = sequence.topic_create("t", {}, Temperature)
        for i in range(rows):
            topic.push(Message(timestamp_ns=i, data=Temperature(value=i)))


def permissions(port, *keys):
    """For each key, what it may do to `ours` and to `for_N`, which is there to be deleted."""
    seen = {}
    for number, key in enumerate(keys):
        with connect(port, api_key=key) as client:
            seen[key[5:11]] = {
                "list": name_of(client.list_sequences),
                "open": name_of(lambda: list(client.sequence_handler("ours").get_data_streamer())),
                "schema": name_of(lambda: list(client.topic_handler("ours", "t").get_data_streamer())),
                "query": name_of(lambda: client.query(QuerySequence().with_name("ours"))),
                "notes": name_of(lambda: client.list_sequence_notifications("ours")),
                "write": name_of(lambda: write(client, f"by_{number}")),
                "clear": name_of(lambda: client.clear_sequence_notifications("ours")),
                "remove": name_of(lambda: client.sequence_delete(f"for_{number}")),
            }
    return seen


def tls(port, cert):
    seen = {}
    with connect(port, tls_cert_path=cert) as client:
        write(client, "sealed", 3)
        stream = client.sequence_handler("sealed").get_data_streamer()
        seen["rows"] = [message.data.value for _, message in stream]
    seen["plain"] = name_of(lambda: connect(port, timeout=0.2))
    seen["other roots"] = name_of(lambda: connect(port, enable_tls=True, timeout=0.2))
    return seen


def compressed(port):
    seen = {}
    for kind in (GRPCCompressionAlgorithm.Gzip, GRPCCompressionAlgorithm.StreamGzip):
        with connect(port, compression=kind) as client:
            write(client, kind.name, 300)
            stream = client.topic_handler(kind.name, "t").get_data_streamer()
            seen[kind.name] = sum(message.data.value for message in stream)
    return seen


def windows(port, name):
    def rows(stream):
        return [[topic, str(message.timestamp_ns)] for topic, message in stream]

    with connect(port) as client:
        handler = client.sequence_handler(name)
        seen = {
            "all": rows(handler.get_data_streamer()),
            "start": rows(handler.get_data_streamer(start_timestamp_ns=2)),
            "end": rows(handler.get_data_streamer(end_timestamp_ns=2)),
            "both": rows(handler.get_data_streamer(start_timestamp_ns=1, end_timestamp_ns=3)),
            "one": rows(handler.get_data_streamer(topics=["/b"], start_timestamp_ns=1, end_timestamp_ns=3)),
            "two": rows(handler.get_data_streamer(topics=["/b", "/a"])),
            "outside": name_of(lambda: handler.get_data_streamer(start_timestamp_ns=3_000, end_timestamp_ns=4_000)),
            "turned": name_of(lambda: handler.get_data_streamer(start_timestamp_ns=3, end_timestamp_ns=3)),
            "unknown": name_of(lambda: handler.get_data_streamer(topics=["/gone"])),
        }
        topic = client.topic_handler(name, "b")
        stream = topic.get_data_streamer(start_timestamp_ns=2, end_timestamp_ns=3)
        seen["topic"] = [str(message.timestamp_ns) for message in stream]
        return seen


def failures(port):
    """Leaves what its two policies leave, of a sequence and of a later session."""
    with connect(port) as client:
        write(client, "kept", 2)
        write(client, "noted", 2)
        for name, policy, begin in [
            ("reported", SessionLevelErrorPolicy.Report, lambda **options: client.sequence_create(metadata={}, **options)),
            ("removed", SessionLevelErrorPolicy.Delete, lambda **options: client.sequence_create(metadata={}, **options)),
            ("noted", SessionLevelErrorPolicy.Report, client.sequence_update),
            ("kept", SessionLevelErrorPolicy.Delete, client.sequence_update),
        ]:
            try:
                with begin(sequence_name=name, on_error=policy) as sequence:
                    topic = sequence.topic_create("late", {}, Temperature)
                    topic.push(Message(timestamp_ns=9, data=Temperature(value=9)))
                    raise ValueError(f"boom in {name}")
            except ValueError:
                pass
        return {name: [note.message for note in client.list_sequence_notifications(name)] for name in ("reported", "kept")}


def large(port, mebibytes):
    with connect(port) as client:
        with client.sequence_create("large", {}) as sequence:
            topic = sequence.topic_create("camera", {}, CompressedImage)
            data = bytes(int(mebibytes) << 20)
            topic.push(Message(timestamp_ns=1, data=CompressedImage(data=data, format="jpeg")))
            topic.push(Message(timestamp_ns=2, data=CompressedImage(data=b"small", format="jpeg")))
        seen = [len(message.data.data) for message in client.topic_handler("large", "camera").get_data_streamer()]
        return {"read": seen, "notes": len(client.list_topic_notifications("large", "camera"))}


parts = {part.__name__: part for part in (permissions, tls, compressed, windows, failures, large)}
print(json.dumps(parts[sys.argv[1]](*sys.argv[2:])))
