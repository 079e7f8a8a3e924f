"""Queries of the real Python SDK against a server: `sdk_query.py PORT` prints what came of them as JSON."""

import json
import logging
import sys

from mosaicolabs import IMU, MosaicoClient, QueryOntologyCatalog, QuerySequence, QueryTopic, Temperature
from mosaicolabs.query.topic_cluster import TimestampRange

# What is refused is asked for here, and is told by what it raises.
logging.disable(logging.CRITICAL)


def hits(response):
    return [[item.sequence.name, [topic.name for topic in item.topics]] for item in response]


def times(clusters):
    return [[cluster.id, str(cluster.timerange.start), str(cluster.timerange.end)] for cluster in clusters]


def main(port):
    with MosaicoClient.connect("127.0.0.1", int(port)) as client:
        fast = client.query(
            QuerySequence().with_name_match("drive_*").with_user_metadata("vehicle.id", eq="v1"),
            QueryTopic().with_ontology_tag("IMU").with_user_metadata("rate_hz", between=[50, 200]),
            QueryOntologyCatalog(IMU.Q.acceleration.x.gt(5.0)).with_expression(
                IMU.Q.timestamp_ns.between(1000, 2000)
            ),
        )
        both = client.query(
            QueryOntologyCatalog(IMU.Q.acceleration.x.gt(5.0)).with_expression(Temperature.Q.value.gt(23.0))
        )
        imu, temp = both[0].topics
        seen = {
            "fast": hits(fast),
            "all": times(fast[0].topics[0].clusterize()),
            "apart": times(fast[0].topics[0].clusterize(5)),
            "near": times(fast[0].topics[0].clusterize(10)),
            "window": times(fast[0].topics[0].clusterize(0, TimestampRange(1070, 1080))),
            "both": hits(both),
            "shared": times(imu.intersect(temp)),
            "never": times(imu.intersect(temp, override_clustering_dt_ns=1)),
            "nearly": times(imu.intersect(temp, override_clustering_dt_ns=1, intersect_dt_ns=5)),
            "again": hits(client.query(both.to_query_topic(), QueryOntologyCatalog(Temperature.Q.value.gt(0.0)))),
            "recent": hits(client.query(QuerySequence().with_created_timestamp(time_start=5))),
            "nothing": hits(client.query(QuerySequence().with_name_match("nothing*"))),
        }
        try:
            client.query(QuerySequence().with_name_match("[drive"))
        except Exception as error:
            seen["refused"] = f"{type(error).__name__}: {error}"
        return seen


print(json.dumps(main(*sys.argv[1:])))
