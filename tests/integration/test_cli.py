"""`bench` without measuring: quick to answer, and readable by programs."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.children import child
from tests.serving_kit import wait_until

CHECKOUT = Path(__file__).parents[2]
HEAVY = {"aiohttp", "fastapi", "gevent", "hdrh", "httpx", "locust", "matplotlib", "numpy", "pandas", "psutil", "scipy"}

IMPORTED_BY = """
import json, runpy, sys
try:
    runpy.run_module("harness", run_name="__main__")
except SystemExit:
    json.dump(list(sys.modules), sys.stderr)
"""


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "harness", *arguments)


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False
    )


def cpu_seconds(*arguments: str) -> float:
    """Of a Python with these arguments: a busy neighbour lengthens it less than the time that passes."""
    before = os.times()
    assert python(*arguments).returncode == 0
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


@pytest.mark.parametrize("command", ["list", "--help"])
def test_imports_nothing_heavy(command: str) -> None:
    done = python("-c", IMPORTED_BY, command)
    loaded = {name.partition(".")[0] for name in json.loads(done.stderr)}
    assert "harness" in loaded
    assert loaded & HEAVY == set()


def test_lists_strategies_workloads_and_profiles_for_people_and_programs() -> None:
    listed = json.loads(bench("list", "--json").stdout)
    assert {"sync_def", "fake_async", "two_stage"} <= {strategy["name"] for strategy in listed["strategies"]}
    assert {workload["name"] for workload in listed["workloads"]} >= {"io", "fanout", "cpu", "mixed"}
    assert set(listed["profiles"]) == {"smoke", "quick", "standard", "sweep", "thorough", "overload", "app"}
    contents = listed["profile_contents"]
    assert contents["standard"]["workloads"] == ["cpu", "fanout", "io", "mixed"]
    assert "asyncpg_pool" not in contents["standard"]["strategies"], "there is no database in it"
    assert {"asyncpg_pool", "deadline"} <= set(contents["thorough"]["strategies"])
    assert listed["broken"] == []
    text = bench("list").stdout
    assert all(strategy["name"] in text for strategy in listed["strategies"])
    assert f"{'postgres':<22} of db, db_io\n" in text
    assert f"{'smoke':<22} mixed with async_process_pool, " in text


def test_an_unknown_option_is_a_usage_error() -> None:
    done = bench("run", "--frobnicate")
    assert done.returncode == 2
    assert "--frobnicate" in done.stderr


def test_a_hangup_that_nohup_had_ignored_is_survived() -> None:
    """A logout sends it. That it ends a `bench` without nohup, and what is left then, is in test_run.py."""
    command = ["nohup", sys.executable, "-m", "harness", "verify", "sync_def", "-w", "io"]
    with child(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(psutil.Process(process.pid).children)  # the upstream's supervisor: by now it has its handlers
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out.split()) == (0, ["sync_def", "io", "ok"]), err


def test_verify_says_for_each_cell_whether_it_answers_rightly() -> None:
    done = bench("verify", "sync_def", "two_stage", "-w", "io", "-w", "fanout", "--json")
    assert done.returncode == 0, done.stderr
    seen = {(r["variant"], r["workload"]): r["status"] for r in json.loads(done.stdout)}
    assert seen == {
        ("sync_def", "io"): "ok",
        ("sync_def", "fanout"): "ok",
        ("two_stage", "io"): "ok",
        ("two_stage", "fanout"): "not_applicable",
    }
