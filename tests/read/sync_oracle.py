"""Brings fields onto a clock by pandas: the oracle of getSyncStreamer. JSON cases on stdin, JSON results on stdout."""

import json
import sys

import numpy as np
import pandas as pd


def frame(times, values):
    """Values by time; of several at one time the last counts, and missing ones count as not sent."""
    table = pd.DataFrame({"t": np.array(times, dtype="int64"), "v": pd.array(values, dtype="Float64")})
    table = table.dropna().sort_values("t", kind="stable").drop_duplicates("t", keep="last")
    return table.reset_index(drop=True)


def sync(ticks, table, policy, tolerance, since):
    left = pd.DataFrame({"t": np.array(ticks, dtype="int64")})
    if policy == "linear":
        return linear(left, table)
    if policy == "drop":
        merged = pd.merge_asof(left, table.assign(own=table["t"]), on="t", direction="backward")
        fresh = merged["own"] > pd.Series(np.array(since, dtype="int64"))
        return merged["v"].where(fresh.fillna(False))
    direction = "nearest" if policy == "nearest" else "backward"
    options = {} if tolerance is None else {"tolerance": tolerance}
    return pd.merge_asof(left, table, on="t", direction=direction, **options)["v"]


def linear(left, table):
    """By reindex and interpolate over both sets of times."""
    series = pd.Series(table["v"].astype("float64").to_numpy(), index=table["t"].to_numpy())
    both = series.reindex(np.union1d(series.index, left["t"].to_numpy()))
    return both.interpolate(method="index", limit_area="inside").reindex(left["t"].to_numpy())


results = []
for case in json.load(sys.stdin):
    values = sync(case["ticks"], frame(case["times"], case["values"]), case["policy"], case["tolerance"], case["since"])
    results.append([None if pd.isna(value) else float(value) for value in values])
json.dump(results, sys.stdout)
