"""The generator must be much faster than what it measures: against stock Locust, and against wrk where that is there.

Alternating slices against one server that is faster than all of them, so that a machine that changes its speed changes
it for each. The bounds are on requests per second of the generator's own CPU time, of each one's best slice: a
neighbour on a shared machine takes from the figures and never adds to them.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.children import child, line_of

PROJECT = Path(__file__).parents[2]
_USERS = 64
_SLICE_S = 2.0
_ROUNDS = 3


class Slice(NamedTuple):
    per_second: float
    per_cpu_second: float


@pytest.fixture
def fast_port() -> Iterator[int]:
    command = [sys.executable, "tests/fast_server.py"]
    with child(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        yield int(line_of(server))
        server.stdin.close()


def race(contestant: str, port: int) -> Slice:
    command = [sys.executable, "-m", "tests.generator_race", contestant, str(port), str(_SLICE_S), str(_USERS)]
    told = json.loads(
        subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60).stdout
    )
    assert told["failures"] == 0
    return Slice(told["requests"] / told["wall_s"], told["requests"] / told["cpu_s"])


def wrk(port: int) -> float | None:
    if shutil.which("wrk") is None:
        return None
    command = ["wrk", "-t1", f"-c{_USERS}", f"-d{_SLICE_S:.0f}s", f"http://127.0.0.1:{port}/"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    found = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    assert found, said
    return float(found[1])


@pytest.mark.measures
def test_it_is_five_times_as_fast_as_fast_http_user_and_makes_20000_requests_a_cpu_second(fast_port: int) -> None:
    ours, stock, wrks = [], [], []
    for _ in range(_ROUNDS):
        stock.append(race("stock", fast_port))
        ours.append(race("ours", fast_port))
        if (figure := wrk(fast_port)) is not None:
            wrks.append(figure)
    print("\nrequests/s (per second of its own CPU time), slices in order:")
    for name, slices in (("ours", ours), ("FastHttpUser", stock)):
        print(f"  {name:13}" + "  ".join(f"{s.per_second:7,.0f} ({s.per_cpu_second:7,.0f})" for s in slices))
    print("  wrk          " + ("  ".join(f"{figure:7,.0f}" for figure in wrks) or "not installed"))
    best = max(s.per_cpu_second for s in ours)
    ratio = best / max(s.per_cpu_second for s in stock)
    print(f"  best slices, per CPU second: {best:,.0f}, {ratio:.1f} x FastHttpUser")
    assert best >= 20_000
    assert ratio >= 5
