"""read_mosaico.py FILE: prints each message of a file of ROS as Mosaico's bridge makes one of its classes of it, with values
in the form of tests/interop/values.py, and those that it can make nothing of."""

import base64
import json
import math
import struct
import sys

from mosaicolabs.bridges.ros import ROSBridge
from mosaicolabs.bridges.ros.loader import ROSLoader
from rosbags.typesys import Stores


def plain(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": "nan" if math.isnan(value) else struct.pack(">d", value).hex()}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {"struct": fields(value)}
    return [plain(item) for item in value]


def fields(value):
    return {name: plain(item) for name, item in value.items() if item is not None}


with ROSLoader(sys.argv[1], Stores.EMPTY) as loader:
    for message, error in loader:
        if error:
            raise error
        made = ROSBridge.from_ros_message(message)
        print(json.dumps({
            "topic": message.topic,
            "type": message.msg_type,
            "time": str(message.bag_timestamp_ns),
            "class": made and type(made.data).__name__,
            "data": made and fields(made.data.model_dump()),
        }))
