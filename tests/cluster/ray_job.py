"""A job on a Ray cluster of two nodes, one of which is killed in the middle: ray_job.py SPLITS DONE prints what came of it.

SPLITS is a file of JSON lines, DONE a directory in which each task leaves the node that it ended on.
"""

import hashlib
import json
import os
import sys
import threading
import time
from pathlib import Path

import pyarrow.compute as pc
import ray
from ray.cluster_utils import Cluster

PACKAGE = str(Path(__file__).parents[2] / "python" / "src")
sys.path.insert(0, PACKAGE)

import smalti  # noqa: E402


def job(row):
    """The order of a split's rows, as a hash of a line for each."""
    split = json.loads(row["split"])
    order, rows = hashlib.sha256(), 0
    for block in smalti.merged(split, columns=["serial"]):
        serials = {topic: table["serial"].to_pylist() for topic, table in block.tables.items()}
        for at in block.order.to_pylist():
            serial = serials[at["topic"]][at["row"]]
            order.update(f"{at['topic']} {at['timestamp_ns']} {serial}\n".encode())
        rows += len(block.order)
    node = ray.get_runtime_context().get_node_id()
    (Path(row["done"]) / split["name"]).write_text(node)
    return {"name": split["name"], "rows": rows, "sha256": order.hexdigest(), "node": node}


def kill_in_the_middle(cluster, node, done, killed):
    """Once a third is done, some of it by the node."""
    while True:
        ended = [path.read_text() for path in done.iterdir()]
        if len(ended) >= len(splits) // 3 and node.node_id in ended:
            break
        time.sleep(0.01)
    cluster.remove_node(node, allow_graceful=False)
    killed.append(len(ended))


splits = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
done = Path(sys.argv[2])
start = time.monotonic()
memory = {"object_store_memory": 100 * 2**20}
bucket = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
environment = {"env_vars": {"PYTHONPATH": PACKAGE, "PYTHONDONTWRITEBYTECODE": "1", **bucket}}
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **memory})
second = cluster.add_node(num_cpus=1, **memory)
ray.init(address=cluster.address, runtime_env=environment, log_to_driver=False, logging_level="error")
cluster.wait_for_nodes()
ray.data.DataContext.get_current().enable_progress_bars = False
up = time.monotonic()

killed = []
killer = threading.Thread(target=kill_in_the_middle, args=(cluster, second, done, killed), daemon=True)
killer.start()
items = [{"split": json.dumps(split), "done": str(done)} for split in splits]
results = ray.data.from_items(items, override_num_blocks=len(items)).map(job).take_all()
ended = time.monotonic()
killer.join(timeout=1)

imu = ray.data.read_datasource(smalti.ray_datasource(splits, "imu", columns=["serial"]))
tables = [ray.get(ref) for ref in imu.to_arrow_refs()]
print(
    json.dumps(
        {
            "results": sorted(results, key=lambda result: result["name"]),
            "killedAfter": killed[0] if killed else None,
            "imuRows": sum(len(table) for table in tables),
            "imuSequences": len({name for table in tables for name in table["sequence"].unique().to_pylist()}),
            "imuSum": sum(pc.sum(table["serial"]).as_py() or 0 for table in tables),
            "seconds": {"start": up - start, "job": ended - up, "dataset": time.monotonic() - ended},
        }
    ),
    flush=True,
)
ray.shutdown()
cluster.shutdown()
