"""What the real Python SDK does against a server: `sdk.py PART PORT ...` prints what came of it as JSON."""

import importlib
import json
import logging
import pkgutil
import sys

from mosaicolabs import (
    IMU,
    CompressedImage,
    Header,
    Message,
    MosaicoClient,
    SessionLevelErrorPolicy,
    Temperature,
    Time,
    Vector3d,
)

# What it refuses is asked for here, and is told by what it raises.
logging.disable(logging.CRITICAL)


def connect(port, **options):
    return MosaicoClient.connect("127.0.0.1", int(port), **options)


def imu(i):
    return IMU(acceleration=Vector3d(x=i, y=0.5, z=9.81), angular_velocity=Vector3d(x=0, y=0, z=-i))


def plain(value):
    """Integers as text, since they pass 2^53 and JSON's reader on the other side rounds."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def write(port, name):
    with connect(port) as client:
        with client.sequence_create(name, {"vehicle": {"id": "v1"}, "n": 3}) as sequence:
            topic = sequence.topic_create("sensors/imu", {"rate_hz": 100}, IMU)
            temp = sequence.topic_create("/sensors/temp", {}, Temperature)
            camera = sequence.topic_create("camera", {}, CompressedImage)
            sequence.topic_create("silent", {}, Temperature)
            for i, time in enumerate([30, 10, 20, 0, 1_700_000_000_000_000_001]):
                topic.push(Message(timestamp_ns=time, data=imu(i)))
            header = Header(frame_id="oven", timestamp=Time(seconds=7, nanoseconds=8))
            for time in [5, 15, 25]:
                temp.push(Message(timestamp_ns=time, data=Temperature(value=time + 0.5, header=header)))
            for i in range(3):
                data = bytes(j % 251 for j in range(1_000_000 + i))
                camera.push(Message(timestamp_ns=i, data=CompressedImage(data=data, format="jpeg")))
        return {}


def payload(message):
    if isinstance(message.data, Temperature):
        return message.data.value
    return plain(message.data.raw_data)  # of a class that the SDK does not know


def read(port, name):
    with connect(port) as client:
        handler = client.sequence_handler(name)
        topic = client.topic_handler(name, "b")
        stream = handler.get_data_streamer(start_timestamp_ns=6, end_timestamp_ns=8)
        # A handler has one streamer at a time.
        window = [[topic, str(message.timestamp_ns)] for topic, message in stream]
        return {
            "sequences": client.list_sequences(),
            "topics": handler.topics,
            "metadata": handler.user_metadata,
            "messages": [
                [topic, str(message.timestamp_ns), payload(message)]
                for topic, message in handler.get_data_streamer()
            ],
            "window": window,
            "topic": {
                "name": topic.name,
                "tag": topic.ontology_tag,
                "metadata": topic.user_metadata,
                "first": str(topic.timestamp_ns_min),
                "last": str(topic.timestamp_ns_max),
                "rows": sum(1 for _ in topic.get_data_streamer()),
            },
        }


def round_trip(port, name):
    with connect(port) as client:
        rows = 3000
        with client.sequence_create(name, {}) as sequence:
            topic = sequence.topic_create("imu", {}, IMU)
            for i in range(rows):
                topic.push(Message(timestamp_ns=(i * 7919) % rows, data=imu(i)))
        seen = mismatches = 0
        for message in client.topic_handler(name, "imu").get_data_streamer():
            wanted = next(i for i in [pow(7919, -1, rows) * seen % rows])
            mismatches += message.timestamp_ns != seen or message.data != imu(wanted)
            seen += 1
        return {"rows": seen, "mismatches": mismatches}


def policies(port):
    raised = []
    with connect(port) as client:
        for name, policy in [
            ("reported", SessionLevelErrorPolicy.Report),
            ("removed", SessionLevelErrorPolicy.Delete),
        ]:
            try:
                with client.sequence_create(name, {}, on_error=policy) as sequence:
                    topic = sequence.topic_create("t", {}, Temperature)
                    topic.push(Message(timestamp_ns=1, data=Temperature(value=1)))
                    raise ValueError("boom")
            except ValueError as error:
                raised.append(f"{type(error).__name__}: {error}")
        seen = {
            "raised": raised,
            "sequences": client.list_sequences(),
            "notifications": [note.message for note in client.list_sequence_notifications("reported")],
            "topic_notifications": [note.message for note in client.list_topic_notifications("reported", "t")],
        }
        client.clear_sequence_notifications("reported")
        seen["purged"] = client.list_sequence_notifications("reported")
        try:
            with client.sequence_create("reported", {}):
                pass
        except Exception as error:
            seen["duplicate"] = str(error)
        seen["missing"] = client.sequence_handler("gone")
        client.sequence_delete("reported")
        seen["deleted"] = client.list_sequences()
        return seen


def update(port):
    with connect(port) as client:
        with client.sequence_create("grown", {}) as sequence:
            topic = sequence.topic_create("first", {}, Temperature)
            topic.push(Message(timestamp_ns=1, data=Temperature(value=1)))
        with client.sequence_handler("grown").update() as sequence:
            topic = sequence.topic_create("second", {}, Temperature)
            topic.push(Message(timestamp_ns=2, data=Temperature(value=2)))
            taken = sequence.topic_create("first", {}, Temperature) is None
    with connect(port) as client:
        handler = client.sequence_handler("grown")
        return {
            "taken": taken,
            "topics": handler.topics,
            "sessions": len(handler.sessions),
            "times": [str(message.timestamp_ns) for _, message in handler.get_data_streamer()],
        }


def classes():
    """Every class that the SDK has: those of its own modules, and of ROS."""
    from mosaicolabs.models.core.serializable import _SCHEMA_REGISTRY

    for module in ("mosaicolabs.models.futures", "mosaicolabs.bridges.ros.data_ontology"):
        package = importlib.import_module(module)
        for found in pkgutil.walk_packages(package.__path__, f"{module}."):
            importlib.import_module(found.name)
    # What stands for classes that it does not have is none.
    return {tag: each for tag, each in _SCHEMA_REGISTRY.items() if tag != "Unmodeled"}


def write_classes(port, name):
    """A topic without rows for each class."""
    with connect(port) as client:
        with client.sequence_create(name, {}) as sequence:
            for tag, each in classes().items():
                sequence.topic_create(tag, {}, each)
        return sorted(classes())


def read_classes(port, name):
    """Which classes the topics' rows are decoded to, and how many of the rows."""
    known = classes()
    with connect(port) as client:
        seen = {}
        for topic, message in client.sequence_handler(name).get_data_streamer():
            each = known.get(topic[1:])
            count = seen.setdefault(topic[1:], 0)
            if each is not None and type(message.data) is each:
                seen[topic[1:]] = count + 1
        return seen


def keys(port, key):
    def name_of(error):
        return type(error).__name__

    seen = {}
    for case, options in [("without", {}), ("wrong", {"api_key": key[:-1] + "0"})]:
        try:
            connect(port, timeout=0.3, **options)
        except Exception as error:
            seen[case] = name_of(error)
    with connect(port, api_key=key) as client:
        seen["right"] = client.list_sequences()
        try:
            with client.sequence_create("theirs", {}):
                pass
        except Exception as error:
            seen["write"] = name_of(error)
    return seen


parts = {part.__name__: part for part in (write, read, round_trip, policies, update, keys, write_classes, read_classes)}
print(json.dumps(parts[sys.argv[1]](*sys.argv[2:])))
