"""read_mcap.py FILE: prints each message of an MCAP as `mcap` with its decoders reads it, and as rosbags' own reader does
where all of the file is of ROS 2. Values are in the form of tests/interop/values.py."""

import base64
import dataclasses
import json
import math
import struct
import sys
from pathlib import Path

import numpy
from google.protobuf.message import Message
from mcap.decoder import DecoderFactory
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory as Protobuf
from mcap_ros2 import _dynamic as ros2
from mcap_ros2._cdr import CdrReader
from mcap_ros2.decoder import DecoderFactory as Ros2
from rosbags.highlevel import AnyReader
from rosbags.serde import cdr as rosbags_cdr
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

# In ROS 2 char and byte are uint8: mcap-ros2-support 0.6 takes char for int8, as ROS 1 has it, and rosbags 0.11 arrays of byte.
ros2.FIELD_PARSERS["char"] = CdrReader.uint8
ros2.ARRAY_PARSERS["char"] = CdrReader.uint8_array
number_type = rosbags_cdr.ndtype
rosbags_cdr.ndtype = lambda name: "uint8" if name == "byte" else number_type(name)


def plain(value):
    """A value of one of the decoders'."""
    if isinstance(value, (bool, numpy.bool_)):
        return bool(value)
    if isinstance(value, (int, numpy.integer)):
        return {"int": str(int(value))}
    if isinstance(value, (float, numpy.floating)):
        return {"float": "nan" if math.isnan(value) else struct.pack(">d", float(value)).hex()}
    if isinstance(value, numpy.ndarray) and value.dtype == numpy.uint8:
        value = value.tobytes()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"bytes": base64.b64encode(bytes(value)).decode()}
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Message):
        return {"struct": protobuf_fields(value)}
    if hasattr(value, "__slots__") or dataclasses.is_dataclass(value):
        return {"struct": ros_fields(value)}
    return [plain(item) for item in value]


def ros_fields(message):
    if dataclasses.is_dataclass(message):
        # What has a value by default is a constant of the type's.
        names = [field.name for field in dataclasses.fields(message) if field.default is dataclasses.MISSING]
    else:
        names = message.__slots__
    # A type without fields has one in CDR.
    return {name: plain(getattr(message, name)) for name in names if name != "structure_needs_at_least_one_member"}


def protobuf_fields(message):
    found = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type and field.message_type.GetOptions().map_entry:
            found[field.name] = [{"struct": {"key": plain(key), "value": plain(value[key])}} for key in value]
        elif not field.has_presence or message.HasField(field.name):
            found[field.name] = plain(value)
    return found


def of_schema(value, schema):
    """A value of JSON, as what its schema says that it is."""
    if value is None:
        return None
    kind = schema.get("type")
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        return {"struct": {name: of_schema(item, fields.get(name, {})) for name, item in value.items() if item is not None}}
    if isinstance(value, list):
        return [of_schema(item, schema.get("items", {})) for item in value]
    if schema.get("contentEncoding") == "base64":
        return {"bytes": value}
    if kind == "integer":
        return plain(int(value))
    if kind == "number":
        return plain(float(value))
    return plain(value)


class Json(DecoderFactory):
    def decoder_for(self, message_encoding, schema):
        if message_encoding != "json":
            return None
        described = json.loads(schema.data) if schema and schema.data else {}
        return lambda data: of_schema(json.loads(data), described)["struct"]


class Ros1(DecoderFactory):
    """By rosbags."""

    def decoder_for(self, message_encoding, schema):
        if message_encoding != "ros1":
            return None
        types = get_typestore(Stores.EMPTY)
        types.register(get_types_from_msg(schema.data.decode(), schema.name))
        return lambda data: types.deserialize_ros1(data, schema.name.replace("/", "/msg/"))


path = Path(sys.argv[1])
encodings = set()
with path.open("rb") as file:
    reader = make_reader(file, validate_crcs=True, decoder_factories=[Ros2(), Protobuf(), Json(), Ros1()])
    for schema, channel, message, decoded in reader.iter_decoded_messages():
        encodings.add(channel.message_encoding)
        print(json.dumps({
            "by": "mcap",
            "topic": channel.topic,
            "type": schema.name if schema else "",
            "time": str(message.log_time),
            "publishTime": str(message.publish_time),
            "number": message.sequence,
            "data": decoded if channel.message_encoding == "json" else plain(decoded)["struct"],
        }))
if encodings == {"cdr"}:
    with AnyReader([path]) as reader:
        for connection, timestamp, data in reader.messages():
            decoded = reader.deserialize(data, connection.msgtype)
            print(json.dumps({
                "by": "rosbags",
                "topic": connection.topic,
                "type": decoded.__msgtype__,
                "time": str(timestamp),
                "data": ros_fields(decoded),
            }))
