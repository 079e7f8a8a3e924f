"""Messages of a class with every kind of column, by the real Python SDK: `sdk_arrow_types.py PORT` writes and reads them, and
prints what differs as JSON."""

import decimal
import json
import logging
import sys
from typing import Annotated, Any, Optional

import pyarrow as pa
from mosaicolabs import Message, MosaicoClient, Serializable

logging.disable(logging.CRITICAL)


class Anything(Serializable):
    price: Annotated[decimal.Decimal, pa.decimal128(12, 3)]
    wide: Optional[Annotated[decimal.Decimal, pa.decimal256(60, 30)]] = None
    word: Optional[Annotated[str, pa.dictionary(pa.int16(), pa.utf8())]] = None
    words: Annotated[list, pa.list_(pa.dictionary(pa.int32(), pa.utf8()))]
    lists: Annotated[list, pa.list_view(pa.int32())]
    deep: Optional[Annotated[dict, pa.struct([pa.field("d", pa.decimal128(5, 1)), pa.field("s", pa.string_view())])]] = None


def sent(i):
    return Anything(
        price=decimal.Decimal(i) / 8,
        wide=None if i % 3 == 0 else decimal.Decimal(i).scaleb(-30),
        word=None if i % 4 == 0 else f"word {i % 5}",
        words=[f"w{j}" for j in range(i % 3)],
        lists=list(range(i % 4)),
        deep=None if i % 5 == 0 else {"d": decimal.Decimal(i) / 2, "s": "s" * i},
    )


with MosaicoClient.connect("127.0.0.1", int(sys.argv[1])) as client:
    with client.sequence_create("any", {}) as sequence:
        topic = sequence.topic_create("things", {}, Anything)
        for i in range(40):
            topic.push(Message(timestamp_ns=i, data=sent(i)))

with MosaicoClient.connect("127.0.0.1", int(sys.argv[1])) as client:
    stream = client.sequence_handler("any").get_data_streamer()
    seen = [message.data for _, message in stream]

different = [[str(one), str(sent(i))] for i, one in enumerate(seen) if one != sent(i)]
print(json.dumps({"read": len(seen), "different": different[:3]}))
