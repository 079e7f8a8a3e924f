"""python_mcap.py FILE: an MCAP as mcap with its decoders and as rosbags read it, as JSON."""
import json
import sys
from pathlib import Path

from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory as Protobuf
from mcap_ros2.decoder import DecoderFactory as Ros2
from rosbags.highlevel import AnyReader

path = Path(sys.argv[1])
with path.open("rb") as file:
    reader = make_reader(file, validate_crcs=True, decoder_factories=[Ros2(), Protobuf()])
    messages = [
        [channel.topic, schema.name, str(message.log_time), str(message.publish_time), type(decoded).__name__]
        for schema, channel, message, decoded in reader.iter_decoded_messages()
    ]
bag = []
if "--ros" in sys.argv:
    with AnyReader([path]) as reader:
        for connection, timestamp, data in reader.messages():
            bag.append([connection.topic, str(timestamp), reader.deserialize(data, connection.msgtype).__msgtype__])
print(json.dumps({"messages": messages, "bag": bag}))
