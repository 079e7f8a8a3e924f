"""What the users of the real Python SDK keep with their recordings: `sdk_facts.py PART PORT ...` prints as JSON what came of it."""

import json
import logging
import sys

from mosaicolabs import Message, MosaicoClient, QuerySequence, QueryTopic, Temperature

# What it refuses is asked for here, and is told by what it raises.
logging.disable(logging.CRITICAL)

# Times since 1970 in nanoseconds, all of which are beyond 2^53: as float64 the first two are one.
TIME = 1700000000000000001

BIG_INTEGERS = {
    "time": TIME,
    "next": TIME + 1,
    "edge": 2**53 + 1,
    "least": -(2**63),
    "most": 2**64 - 1,
    "huge": 10**100 + 1,
    "deep": {"list": [1, TIME, {"at": -TIME}]},
}
FLOATS = {
    "whole": 3.0,
    "negative zero": -0.0,
    "large": 1e16,
    "larger": 1e300,
    "small": 5e-324,
    "sum": 0.1 + 0.2,
    "int": 3,
    "list": [1.0, 1, 2.50, [0.0]],
    "deep": {"rate": 100.0, "count": 100},
}


def connect(port):
    return MosaicoClient.connect("127.0.0.1", int(port))


def name_of(call):
    """What came of a call: "ok", or the class of what it raised."""
    try:
        call()
        return "ok"
    except Exception as error:
        return type(error).__name__


def handler_of(client, name):
    """A handler as things are now: a client keeps those that it made."""
    handler = client.sequence_handler(name)
    handler.reload()
    return handler


def write(session, topic, metadata, *times):
    topic = session.topic_create(topic, metadata, Temperature)
    for time in times or (1,):
        topic.push(Message(timestamp_ns=time, data=Temperature(value=time)))


def texts(client, name):
    """How Python writes the metadata of a sequence and of each of its topics: it tells 3 from 3.0."""
    handler = handler_of(client, name)
    topics = {topic: client.topic_handler(name, topic).user_metadata for topic in handler.topics}
    return json.dumps(handler.user_metadata), {topic: json.dumps(topics[topic]) for topic in sorted(topics)}


def kept(port, name, facts):
    """Whether metadata came back as it was sent."""
    with connect(port) as client:
        with client.sequence_create(name, facts) as sequence:
            write(sequence, "t", facts)
    return same(port, name, facts, "/t")


def same(port, name, facts, *topics):
    wanted = json.dumps(facts)
    with connect(port) as client:
        return texts(client, name) == (wanted, {topic: wanted for topic in topics})


def big_integers(port):
    return kept(port, "integers", BIG_INTEGERS)


def floats(port):
    return kept(port, "floats", FLOATS)


def still(port, name):
    """Whether the metadata is as it was, whatever was done to the sequence since."""
    return same(port, name, {"integers": BIG_INTEGERS, "floats": FLOATS}[name], "/t")


def more(port):
    """Another session, notifications, and what its topics keep."""
    with connect(port) as client:
        with client.sequence_update("floats") as sequence:
            write(sequence, "u", FLOATS)
        return same(port, "floats", FLOATS, "/t", "/u")


def times_found(port):
    """Which sequences and topics are found by a time in their metadata."""
    with connect(port) as client:
        for name, time in (("a", TIME), ("b", TIME + 1), ("c", float(TIME)), ("d", str(TIME))):
            with client.sequence_create(name, {"start": {"ns": time}}) as sequence:
                write(sequence, "t", {"start_ns": time})

        def found(**operator):
            queries = (
                QuerySequence().with_user_metadata("start.ns", **operator.copy()),
                QueryTopic().with_user_metadata("start_ns", **operator.copy()),
            )
            both = [" ".join(item.sequence.name for item in client.query(query)) for query in queries]
            assert both[0] == both[1], both
            return both[0]

        return {
            "eq": found(eq=TIME),
            "eq next": found(eq=TIME + 1),
            "eq float": found(eq=float(TIME)),
            "neq": found(neq=TIME),
            "lt": found(lt=TIME + 1),
            "leq": found(leq=TIME),
            "gt": found(gt=TIME),
            "geq": found(geq=TIME + 1),
            "between": found(between=[TIME, TIME]),
            "outside": found(outside=[TIME, TIME]),
            "in": found(in_=[TIME + 1, TIME + 2]),
            "text": found(eq=str(TIME)),
        }


def session_deleted(port):
    """What is left after a finalized session was deleted by its locator, and after the last one was."""
    seen = {}
    with connect(port) as client:
        with client.sequence_create("s", {"car": 1}) as sequence:
            write(sequence, "first", {}, 1, 2)
        with client.sequence_update("s") as sequence:
            write(sequence, "second", {}, 3)
            write(sequence, "third", {}, 4)
        handler = handler_of(client, "s")
        old = next(session.locator for session in handler.sessions if len(session.topics) == 1)
        client.session_delete(old)
        handler = handler_of(client, "s")
        seen["topics"] = sorted(handler.topics)
        seen["times"] = [message.timestamp_ns for _, message in handler.get_data_streamer()]
        seen["sessions"] = len(handler.sessions)
        seen["again"] = name_of(lambda: client.session_delete(old))
        # Its topics' names are free.
        with client.sequence_update("s") as sequence:
            write(sequence, "first", {}, 9)
        for session in handler_of(client, "s").sessions:
            client.session_delete(session.locator)
        handler = handler_of(client, "s")
        seen["left"] = [client.list_sequences(), handler.topics, handler.sessions, handler.user_metadata]
        with client.sequence_update("s") as sequence:
            write(sequence, "new", {}, 5)
        seen["new"] = [message.timestamp_ns for _, message in handler_of(client, "s").get_data_streamer()]
    return seen


def locators(port):
    """Locators of sessions as they are told when they begin, while they are written, and after."""
    with connect(port) as client:
        told = []
        for begin in (lambda: client.sequence_create("s", {}), lambda: client.sequence_update("s")):
            with begin() as sequence:
                write(sequence, f"t{len(told)}", {})
                during = [session.locator for session in handler_of(client, "s").sessions]
                told.append([sequence.session_locator, during[-1]])
        after = [session.locator for session in handler_of(client, "s").sessions]
        return {"told": told, "after": after}


def locators_now(port):
    with connect(port) as client:
        return [session.locator for session in handler_of(client, "s").sessions]


def two_writers(port):
    """Two updates of one sequence, side by side."""
    with connect(port) as client, connect(port) as other:
        with client.sequence_create("s", {}) as sequence:
            write(sequence, "base", {}, 1)
        with client.sequence_update("s") as one:
            with other.sequence_update("s") as two:
                write(one, "one", {}, 2)
                write(two, "two", {}, 3)
        handler = handler_of(client, "s")
        return sorted(handler.topics), [message.timestamp_ns for _, message in handler.get_data_streamer()]


parts = {
    part.__name__: part
    for part in (
        big_integers,
        floats,
        still,
        more,
        times_found,
        session_deleted,
        locators,
        locators_now,
        two_writers,
    )
}

if __name__ == "__main__":
    print(json.dumps(parts[sys.argv[1]](*sys.argv[2:])))
