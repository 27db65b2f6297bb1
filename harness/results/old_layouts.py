"""Turns records of older layouts into today's, as plain JSON values, before they are decoded.

Layout 1 (until November 2026) had strategies and no variants. A sweep made strategies with names of its own
("async_thread_pool_threads_8"), and "cores" was replaced by a number wherever it was needed. All strategies were
compared with `sync_def`; where that was not measured, nothing was compared.
"""

from __future__ import annotations

from typing import Any

from harness.results.records.baseline import default_baseline

CONVERTED = 1  # the oldest layout that can be read


def to_current_run(record: dict[str, Any]) -> dict[str, Any]:
    """`run.json` of layout 1."""
    cores = _target_cores(record["environment"]["partition"])
    planned = {spec["strategy"] for spec in record["plan"]}
    return record | {
        "baseline": default_baseline([one["name"] for one in record["strategies"] if one["name"] in planned]),
        "instrument": "",
        "profile": record["profile"] | {"pilot_idle_s": 0.0},  # there was no such phase
        "variants": [_variant(strategy, cores) for strategy in record["strategies"]],
        "preflight": [_renamed(check) for check in record["preflight"]],
        "plan": [_renamed(spec) for spec in record["plan"]],
    }


def to_current_trial(record: dict[str, Any]) -> dict[str, Any]:
    """`trial.json` of layout 1."""
    return record | {"spec": _renamed(record["spec"])}


def _renamed(item: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in item.items() if key not in ("strategy", "seed")}
    return kept | {"variant": item["strategy"]}


def _variant(strategy: dict[str, Any], cores: int) -> dict[str, Any]:
    server = {"server": "uvicorn", "http": "httptools", **strategy.get("server", {})}  # there was no other
    workers = server.get("workers", 1)
    params = {name: cores if value == "cores" else value for name, value in strategy.get("params", {}).items()}
    return {
        "name": strategy["name"],
        "strategy": strategy["name"],
        "title": strategy["title"],
        "path": strategy["path"],
        "requires": strategy.get("requires"),
        "params": params,
        "server": server,
        "workers": cores if workers == "cores" else workers,
        "in_flight": strategy.get("in_flight"),
    }


def _target_cores(partition: dict[str, Any]) -> int:
    """As `Partition.target_cores` counts them."""
    cores, quota = len(partition["target"]), partition["quota_cores"]
    return max(1, min(cores, int(quota) - len(partition["generator"]))) if quota else cores
