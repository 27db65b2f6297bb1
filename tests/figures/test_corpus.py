"""The corpus itself, on the real thing: what is to be found is there, and nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.apps_kit import CorpusApp, corpus

ROOT = Path(__file__).parents[2]
QUIET_MS = 20.0  # the machine's own delays; a fault blocks for longer


@pytest.fixture(scope="module")
def seen() -> dict[str, dict[str, Any]]:
    command = [sys.executable, "-m", "tests.app_ticks"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.measures
@pytest.mark.parametrize("app", corpus(), ids=lambda app: app.name)
def test_it_answers_and_its_loop_is_blocked_as_stated(app: CorpusApp, seen: dict[str, dict[str, Any]]) -> None:
    row = seen[app.name]
    assert (row["health"], row["status"]) == (200, app.status)
    middle_ms = row["blocked_ms"][1]
    if app.fault is None:
        assert middle_ms < QUIET_MS
    elif app.fault.where == "startup":
        assert 0.5 * app.fault.ms < row["startup_ms"] < 2 * app.fault.ms
    else:
        assert row["idle_ms"] < QUIET_MS  # `/health` has no part in it
        # What computes takes as long as the machine needs for it.
        by = 4 if app.fault.cause == "computes" else 2
        assert app.fault.ms / by < middle_ms < by * app.fault.ms
