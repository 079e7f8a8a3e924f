"""pyarrow.flight as the rival of our client and server: `flight_peer.py PART ...` prints JSON, a line each.

`make FILE ROWS BATCHES` writes an Arrow file of that many batches: times, and nine columns of float64 that wander.
`serve FILE` serves the batches of an Arrow file from memory as a Mosaico daemon does, and throws away what is uploaded.
`get PORT LOCATOR` and `put PORT FILE` are its client, and print rows and bytes of the columns.
`sdk PORT SEQUENCE` replays a sequence by Mosaico's Python SDK, and prints messages.
The last three do so for each line that they read.
"""

import json
import sys

import pyarrow as pa
import pyarrow.flight as flight


def tell(facts):
    print(json.dumps(facts), flush=True)


def text(value):
    return json.dumps(value).encode()


class Peer(flight.FlightServerBase):
    def __init__(self, file):
        super().__init__("grpc://127.0.0.1:0")
        self.schema, self.batches = load(file)
        times = [batch.column(0) for batch in self.batches]
        self.first, self.last = times[0][0].as_py(), times[-1][-1].as_py()
        self.rows = sum(batch.num_rows for batch in self.batches)
        self.put_rows = 0

    def do_action(self, context, action):
        response = None
        if action.type == "info":
            limits = dict.fromkeys(["grpc_max_decode_message_size", "grpc_max_encode_message_size"], 512 << 20)
            response = {"version": "0.7.0", "config": limits}
        elif action.type == "session_create":
            response = {"uuid": "u", "locator": "s:1"}
        elif action.type == "topic_create":
            response = {"uuid": "t"}
        return [text({"action": action.type, "response": response})]

    def get_flight_info(self, context, descriptor):
        return flight.FlightInfo(
            self.schema, descriptor, [flight.FlightEndpoint(b"s/t", [], None, text(self.topic()))], -1, -1,
            app_metadata=text({
                "resource_locator": "s", "created_at_ns": 1, "user_metadata": {},
                "sessions": [{"locator": "s:1", "created_at_ns": 1, "completed_at_ns": 2, "locked": True,
                              "topics": ["s/t"]}],
            }),
        )

    def topic(self):
        return {
            "resource_locator": "s/t", "ontology_tag": "bench", "serialization_format": "default",
            "created_at_ns": 1, "completed_at_ns": 2, "locked": True, "user_metadata": {},
            "data_info": {"interval": {"start_ns": self.first, "end_ns": self.last},
                          "total_row_count": self.rows, "total_bytes": 1, "total_chunks_count": 1},
            "time_window_info": None,
        }

    def get_schema(self, context, descriptor):
        return flight.SchemaResult(self.schema)

    def do_get(self, context, ticket):
        return flight.GeneratorStream(self.schema, iter(self.batches))

    def do_put(self, context, descriptor, reader, writer):
        self.put_rows = sum(chunk.data.num_rows for chunk in reader)


def load(file):
    with pa.ipc.open_file(file) as reader:
        return reader.schema, [reader.get_batch(i) for i in range(reader.num_record_batches)]


def make(file, rows, batches):
    import numpy

    random = numpy.random.default_rng(1)
    rows = int(rows)
    fields = [pa.field("timestamp_ns", pa.int64(), False)]
    fields += [pa.field(f"c{i}", pa.float64(), False) for i in range(9)]
    schema = pa.schema(fields)
    with pa.ipc.new_file(file, schema) as writer:
        for batch in range(int(batches)):
            times = 1_700_000_000_000_000_000 + 1_000_000 * numpy.arange(batch * rows, (batch + 1) * rows)
            steps = [numpy.round(numpy.cumsum(random.normal(size=rows)) * 1e-2, 6) for _ in range(9)]
            writer.write_batch(pa.record_batch([pa.array(column) for column in [times, *steps]], schema=schema))


def serve(file):
    peer = Peer(file)
    tell({"port": peer.port})
    sys.stdin.readline()


def get(port, locator):
    client = flight.connect(f"grpc://127.0.0.1:{port}")
    command = flight.FlightDescriptor.for_command(text({"resource_locator": locator}))
    for line in sys.stdin:
        ticket = client.get_flight_info(command).endpoints[0].ticket
        rows = size = 0
        for chunk in client.do_get(ticket):
            rows += chunk.data.num_rows
            size += chunk.data.nbytes
        tell({"rows": rows, "bytes": size})


def put(port, file):
    schema, batches = load(file)
    client = flight.connect(f"grpc://127.0.0.1:{port}")

    def act(name, body):
        answer = json.loads(b"".join(bytes(result.body) for result in client.do_action(flight.Action(name, text(body)))))
        return answer["response"]

    act("info", {})
    for line in sys.stdin:
        sequence = line.strip()
        act("sequence_create", {"locator": sequence, "user_metadata": {}})
        session = act("session_create", {"locator": sequence})["uuid"]
        locator = f"{sequence}/t"
        topic = act("topic_create", {
            "session_uuid": session, "locator": locator, "serialization_format": "default",
            "ontology_tag": "bench", "user_metadata": {},
        })["uuid"]
        command = flight.FlightDescriptor.for_command(text({"resource_locator": locator, "topic_uuid": topic}))
        writer, reader = client.do_put(command, schema)
        for batch in batches:
            writer.write_batch(batch)
        writer.done_writing()
        try:
            while reader.read() is not None:
                pass
        except StopIteration:
            pass
        writer.close()
        act("session_finalize", {"session_uuid": session})
        tell({
            "rows": sum(batch.num_rows for batch in batches),
            "bytes": sum(batch.nbytes for batch in batches),
        })
        # The first one is read back. Of more and more bytes in memory a machine may give ever slower pages.
        if not sequence.endswith("_0"):
            act("sequence_delete", {"locator": sequence})


def sdk(port, sequence):
    import logging

    from mosaicolabs import MosaicoClient

    logging.disable(logging.CRITICAL)
    with MosaicoClient.connect("127.0.0.1", int(port)) as client:
        for line in sys.stdin:
            tell({"rows": sum(1 for _ in client.sequence_handler(sequence).get_data_streamer())})


globals()[sys.argv[1]](*sys.argv[2:])
