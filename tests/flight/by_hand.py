"""Mosaico's protocol by plain pyarrow, without the SDK: `by_hand.py PART PORT ...` prints what came of it as JSON."""

import json
import sys

import pyarrow as pa
import pyarrow.flight as flight

SCHEMA = pa.schema([("timestamp_ns", pa.int64()), ("value", pa.float64())])


def connect(port):
    return flight.connect(f"grpc://127.0.0.1:{port}")


def act(client, name, body=None):
    raw = b"" if body is None else json.dumps(body).encode()
    results = list(client.do_action(flight.Action(name, raw)))
    assert len(results) == 1, results
    answer = json.loads(results[0].body.to_pybytes())
    assert answer["action"] == name, answer
    return answer["response"]


def command(**body):
    return flight.FlightDescriptor.for_command(json.dumps(body).encode())


def batch(times):
    return pa.record_batch([pa.array(times, pa.int64()), pa.array([float(time) for time in times])], schema=SCHEMA)


def begin(client, name, topics=("t",)):
    """A sequence with a session and topics without uploads: token, locator of the session, uuids."""
    act(client, "sequence_create", {"locator": name, "user_metadata": {"n": 3}})
    session = act(client, "session_create", {"locator": name})
    uuids = {
        topic: act(
            client,
            "topic_create",
            {
                "session_uuid": session["uuid"],
                "locator": f"{name}/{topic}",
                "serialization_format": "default",
                "ontology_tag": "Plain",
                "user_metadata": {"rate": 5},
            },
        )["uuid"]
        for topic in topics
    }
    return session, uuids


def put(client, name, topic, uuid, batches):
    writer, _ = client.do_put(command(resource_locator=f"{name}/{topic}", topic_uuid=uuid), SCHEMA)
    for each in batches:
        writer.write_batch(each)
    writer.close()


def read(client, info):
    """The chunks of each endpoint's stream, and their tables."""
    readers = [client.do_get(endpoint.ticket) for endpoint in info.endpoints]
    return [[chunk.data for chunk in reader] for reader in readers]


def lifecycle(port):
    client = connect(port)
    assert act(client, "info")["config"].keys() == {
        "grpc_max_decode_message_size",
        "grpc_max_encode_message_size",
        "grpc_target_encode_message_size",
    }
    session, uuids = begin(client, "plain", ("long", "short", "empty"))
    rows = 50_000
    # Not sorted, and batches without rows wherever they may stand.
    times = [(i * 7919) % rows for i in range(rows)]
    put(client, "plain", "long", uuids["long"], [batch([]), batch(times), batch([]), batch([]), batch([7, 7]), batch([])])
    put(client, "plain", "short", uuids["short"], [batch([5]), batch([-(2**63), 2**63 - 1])])
    put(client, "plain", "empty", uuids["empty"], [])
    during = client.get_flight_info(command(resource_locator="plain"))
    act(client, "session_finalize", {"session_uuid": session["uuid"]})

    info = client.get_flight_info(command(resource_locator="plain"))
    meta = json.loads(info.app_metadata)
    endpoints = [json.loads(endpoint.app_metadata) for endpoint in info.endpoints]
    empty, long, short = read(client, info)
    whole = pa.Table.from_batches(long)
    one = client.get_flight_info(command(resource_locator="plain/long", timestamp_ns_start=7, timestamp_ns_end=9))
    window = pa.Table.from_batches(read(client, one)[0])["timestamp_ns"].to_pylist()
    schema = client.get_schema(command(resource_locator="plain/long")).schema
    act(client, "topic_notification_create", {"locator": "plain/long", "notification_type": "error", "msg": "ü"})
    notes = act(client, "topic_notification_list", {"locator": "plain/long"})["notifications"]
    act(client, "topic_notification_purge", {"locator": "plain/long"})
    after = act(client, "topic_notification_list", {"locator": "plain/long"})["notifications"]
    listed = [each.descriptor.path[0].decode() for each in client.list_flights()]
    act(client, "sequence_delete", {"locator": "plain"})
    return {
        "open": [session["locked"] for session in json.loads(during.app_metadata)["sessions"]],
        "locked": [[each["locked"], each["topics"]] for each in meta["sessions"]],
        "metadata": [meta["resource_locator"], meta["user_metadata"]],
        "topics": [
            [
                each["resource_locator"],
                each["locked"],
                each["data_info"]["total_row_count"],
                each["data_info"]["interval"],
                each["time_window_info"],
            ]
            for each in endpoints
            if each["resource_locator"] != "plain/short"
        ],
        "ends": [str(value) for value in pa.Table.from_batches(short)["timestamp_ns"].to_pylist()],
        "empty": len(empty),
        "sizes": [min(chunk.num_rows for chunk in long) > 0, max(chunk.num_rows for chunk in long) <= 8192],
        "sorted": whole["timestamp_ns"].to_pylist() == sorted(times + [7, 7]),
        "values": whole["value"].to_pylist() == [float(time) for time in sorted(times + [7, 7])],
        "window": [window, json.loads(one.endpoints[0].app_metadata)["time_window_info"]],
        "schema": [schema.equals(SCHEMA), one.schema.equals(SCHEMA), info.schema is None],
        "notes": [[note["name"], note["notification_type"], note["msg"]] for note in notes],
        "purged": after,
        "listed": listed,
        "deleted": [each.descriptor.path for each in client.list_flights()],
    }


def refusals(port):
    """The class of what each mistake raises."""
    client = connect(port)
    session, uuids = begin(client, "taken")
    put(client, "taken", "t", uuids["t"], [batch([1])])
    act(client, "session_finalize", {"session_uuid": session["uuid"]})
    other, open_uuids = begin(client, "open", ("a", "b", "c", "d"))
    put(client, "open", "d", open_uuids["d"], [batch([1])])

    def upload(descriptor, schema=SCHEMA, *batches):
        writer, _ = client.do_put(descriptor, schema)
        for each in batches:
            writer.write_batch(each)
        writer.close()

    def of_open(topic, uuid=None):
        return command(resource_locator=f"open/{topic}", topic_uuid=uuid or open_uuids[topic])

    text = pa.schema([("timestamp_ns", pa.utf8())])
    calls = {
        "unknown sequence": lambda: client.get_flight_info(command(resource_locator="gone")),
        "unknown topic": lambda: client.get_schema(command(resource_locator="taken/gone")),
        "unknown session": lambda: act(client, "session_finalize", {"session_uuid": session["uuid"]}),
        "duplicate sequence": lambda: act(client, "sequence_create", {"locator": "taken", "user_metadata": {}}),
        "empty session": lambda: act(client, "session_finalize", {"session_uuid": other["uuid"]}),
        "second session": lambda: act(client, "session_create", {"locator": "open"}),
        "topic of a session that is open": lambda: client.get_schema(command(resource_locator="open/a")),
        "unknown action": lambda: act(client, "layer_create", {}),
        "body that is no JSON": lambda: list(client.do_action(flight.Action("query", b"{no"))),
        "body without a member": lambda: act(client, "sequence_create", {"locator": "x"}),
        "bad name": lambda: act(client, "sequence_create", {"locator": "a b", "user_metadata": {}}),
        "path": lambda: client.get_flight_info(flight.FlightDescriptor.for_path("taken")),
        "window that is turned": lambda: client.get_flight_info(
            command(resource_locator="taken", timestamp_ns_start=2, timestamp_ns_end=1)
        ),
        "bad ticket": lambda: client.do_get(flight.Ticket(b"\xff\xff")).read_all(),
        "upload by a path": lambda: upload(flight.FlightDescriptor.for_path("open", "a")),
        "upload with an empty command": lambda: upload(flight.FlightDescriptor.for_command(b"")),
        "upload with a wrong uuid": lambda: upload(of_open("a", open_uuids["b"])),
        "upload of a finalized topic": lambda: upload(command(resource_locator="taken/t", topic_uuid=uuids["t"])),
        "upload without times": lambda: upload(of_open("b"), text),
        "second upload": lambda: upload(of_open("d")),
        "message beyond the limit": lambda: upload(of_open("c"), SCHEMA, batch(list(range(100_000)))),
        "session cut off": lambda: act(client, "session_finalize", {"session_uuid": other["uuid"]}),
        "exchange": lambda: client.do_exchange(command())[0].close(),
        "actions": lambda: list(client.list_actions()),
        "session_delete": lambda: act(client, "session_delete", {"locator": other["locator"]}),
        "sequence after it": lambda: act(client, "sequence_delete", {"locator": "open"}),
    }
    seen = {}
    for name, call in calls.items():
        try:
            call()
            seen[name] = "ok"
        except Exception as error:
            seen[name] = type(error).__name__
    return seen


parts = {part.__name__: part for part in (lifecycle, refusals)}
print(json.dumps(parts[sys.argv[1]](*sys.argv[2:])))
