"""Recordings of smalti for the workers of a cluster: cut into splits, and read as Arrow tables in strict time order."""

from smalti._cut import ByBytes, BySeconds, SplitSize, splits
from smalti._error import SmaltiError, SplitChanged
from smalti._ray import ray_datasource
from smalti._read import Block, batches, merged, read
from smalti._split import Split, SplitTopic

__all__ = [
    "Block",
    "ByBytes",
    "BySeconds",
    "SmaltiError",
    "Split",
    "SplitChanged",
    "SplitSize",
    "SplitTopic",
    "batches",
    "merged",
    "ray_datasource",
    "read",
    "splits",
]
