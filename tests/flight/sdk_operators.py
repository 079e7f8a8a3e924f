"""Every operator of the real Python SDK's query builder: `sdk_operators.py PORT` prints, as JSON, which sequences each finds."""

import json
import logging
import sys

from mosaicolabs import (
    ROI,
    Header,
    Message,
    MosaicoClient,
    QueryOntologyCatalog,
    QuerySequence,
    QueryTopic,
    Temperature,
    Time,
    Vector2d,
)

logging.disable(logging.CRITICAL)


def rows(*expressions):
    query = QueryOntologyCatalog()
    for expression in expressions:
        query = query.with_expression(expression)
    return query


def of_sequence(key, **operator):
    return QuerySequence().with_user_metadata(key, **operator)


def of_topic(key, **operator):
    return QueryTopic().with_user_metadata(key, **operator)


value, frame, flag = Temperature.Q.value, Temperature.Q.header.frame_id, ROI.Q.do_rectify
times = Temperature.Q.timestamp_ns

# Sequences s1, s2, s3: values 10, 20, 30 at 1, 2, 3 ns in frames f1, f2, f3; rectified in s2 alone.
cases = {
    "number eq": rows(value.eq(20)),
    "number neq": rows(value.neq(20)),
    "number lt": rows(value.lt(20)),
    "number leq": rows(value.leq(20)),
    "number gt": rows(value.gt(20)),
    "number geq": rows(value.geq(20)),
    "number in": rows(value.in_(10, 30)),
    "number between": rows(value.between(10, 20)),
    "number outside": rows(value.outside(15, 25)),
    "time eq": rows(times.eq(2)),
    "time between": rows(times.between(2, 9)),
    "text eq": rows(frame.eq("f2")),
    "text lt": rows(frame.lt("f2")),
    "text leq": rows(frame.leq("f2")),
    "text gt": rows(frame.gt("f2")),
    "text geq": rows(frame.geq("f2")),
    "text in": rows(frame.in_("f1", "f3")),
    "text between": rows(frame.between("f1", "f2")),
    "text outside": rows(frame.outside("f2", "f9")),
    "text match": rows(frame.match("f[12]")),
    "text match digit": rows(frame.match("f#")),
    "flag eq": rows(flag.eq(True)),
    "two on one row": rows(value.gt(10), frame.lt("f3")),
    "metadata eq": of_sequence("car.id", eq="v2"),
    "metadata neq": of_sequence("car.id", neq="v2"),
    "metadata lt": of_sequence("n", lt=2),
    "metadata leq": of_sequence("n", leq=2),
    "metadata gt": of_sequence("n", gt=2),
    "metadata geq": of_sequence("n", geq=2),
    "metadata in": of_sequence("n", in_=[1, 3]),
    "metadata between": of_sequence("n", between=[1, 2]),
    "metadata outside": of_sequence("n", outside=[2, 2]),
    "metadata match": of_sequence("car.id", match="v?"),
    "metadata ex": of_sequence("only", ex=True),
    "metadata nex": of_sequence("only", ex=False),
    "topic metadata eq": of_topic("rate", eq=2),
    "topic metadata between": of_topic("rate", between=[2, 3]),
    "topic metadata ex": of_topic("rate", ex=True),
    "sequence name": QuerySequence().with_name("s2"),
    "sequence name match": QuerySequence().with_name_match("s[!1]"),
    "sequence created since": QuerySequence().with_created_timestamp(time_start=1),
    "sequence created until": QuerySequence().with_created_timestamp(time_end=1),
    "sequence created between": QuerySequence().with_created_timestamp(time_start=1, time_end=2**62),
    "topic name": QueryTopic().with_name("/temp"),
    "topic name without its slash": QueryTopic().with_name("temp"),
    "topic name match": QueryTopic().with_name_match("/r*"),
    "topic created since": QueryTopic().with_created_timestamp(time_start=1),
    "topic created until": QueryTopic().with_created_timestamp(time_end=1),
    "topic tag": QueryTopic().with_ontology_tag("ROI"),
}


def main(port):
    with MosaicoClient.connect("127.0.0.1", int(port)) as client:
        for n in (1, 2, 3):
            metadata = {"n": n, "car": {"id": f"v{n}"}, **({"only": 1} if n == 1 else {})}
            with client.sequence_create(f"s{n}", metadata) as sequence:
                header = Header(frame_id=f"f{n}", timestamp=Time(seconds=n, nanoseconds=0))
                temp = sequence.topic_create("temp", {"rate": n}, Temperature)
                temp.push(Message(timestamp_ns=n, data=Temperature(value=10 * n, header=header)))
                if n > 1:
                    roi = sequence.topic_create("roi", {}, ROI)
                    data = ROI(offset=Vector2d(x=1, y=1), height=2, width=2, do_rectify=n == 2)
                    roi.push(Message(timestamp_ns=1, data=data))
        found = {}
        for name, query in cases.items():
            try:
                found[name] = " ".join(item.sequence.name for item in client.query(query))
            except Exception as error:
                found[name] = f"{type(error).__name__}: {error}"
        return found


print(json.dumps(main(*sys.argv[1:])))
