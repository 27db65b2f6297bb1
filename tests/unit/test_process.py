from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.processes.process import child_environment, describe_exit


def test_child_environment_leaves_out_what_would_change_a_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    left_out = {
        *("HTTP_PROXY", "https_proxy", "ALL_PROXY", "no_proxy", "BENCH_THREADS", "UVICORN_RELOAD", "LOCUST_USERS"),
        *("WEB_CONCURRENCY", "PYTHONDONTWRITEBYTECODE"),
    }
    for name in left_out:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PYTHONPATH", "/theirs")
    monkeypatch.setenv("MY_SETTING", "kept")

    env = child_environment(Path("/a/project"))

    assert not left_out & set(env)
    assert env["MY_SETTING"] == "kept"
    assert env["PYTHONPATH"] == f"/a/project{os.pathsep}/theirs"
    assert env["NO_PROXY"] == "127.0.0.1,localhost"


def test_describe_exit() -> None:
    assert describe_exit(3) == "exited with 3"
    assert describe_exit(-11) == "killed by SIGSEGV"
    assert describe_exit(-250) == "killed by signal 250"
