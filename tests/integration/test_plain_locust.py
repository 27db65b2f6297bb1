"""A scenario under the bare `locust` command, and Locust's own statistics and events under the harness."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import time

import pytest

from harness.processes.ports import free_port
from harness.processes.process import child_environment
from harness.results.records.outcome import Outcome
from tests.bench_kit import CHECKOUT
from tests.integration.test_local_generator import (
    SCENARIO,
    Rig,
    assert_adds_up,
    closed,
    start_truth_app,
    wait_until_healthy,
)

PATH = "/wrong?10"
# With the signature that Locust's documentation gives its users (docs.locust.io, "Extending Locust").
LISTENER = """
import json
from pathlib import Path
from locust import events

told = Path(__file__).with_name("told.jsonl").open("a", buffering=1)

@events.request.add_listener
def tell(request_type, name, response_time, response_length, response, context, exception, start_time, url, **kwargs):
    row = [request_type, name, response_time, response_length, start_time, url, repr(exception)]
    told.write(json.dumps(row) + "\\n")
"""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def port(tmp_path: Path, stack: ExitStack) -> int:
    """Of a server that answers wrongly one time in ten."""
    port = free_port()
    start_truth_app(tmp_path, port, stack)
    wait_until_healthy(port, tmp_path)
    return port


def plain_locust(folder: Path, port: int, *options: str) -> str:
    """Two users; what it printed."""
    scenario = folder / "asker.py"
    scenario.write_text(SCENARIO.format(path=PATH) + LISTENER)
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "locust", "--headless", "-f", str(scenario)),
            *("-H", f"http://127.0.0.1:{port}", "-u", "2", "-r", "2", "-s", "2"),
            *options,
        ],
        cwd=CHECKOUT,
        env=child_environment(CHECKOUT),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.stdout


def told(folder: Path) -> list[list[object]]:
    return [json.loads(line) for line in (folder / "told.jsonl").read_text().splitlines()]


def test_under_plain_locust_its_csv_and_listeners_hear_of_every_request(tmp_path: Path, port: int) -> None:
    began_epoch_s = time()
    said = plain_locust(tmp_path, port, "-t", "3s", "--json", "--csv", str(tmp_path / "stats"))
    rows = told(tmp_path)
    wrong = [row for row in rows if "WrongAnswerError" in str(row[6])]
    (counted,) = json.loads(said)
    assert counted["num_requests"] == len(rows) > 20
    assert counted["num_failures"] == len(wrong) == len(rows) // 10
    with (tmp_path / "stats_stats.csv").open() as file:
        (row,) = (row for row in csv.DictReader(file) if row["Name"] == "/wrong")
    assert 0 < int(row["Request Count"]) <= len(rows)  # Locust writes it once a second, and not at the end
    for kind, name, response_ms, size_bytes, start_epoch_s, url, _ in rows:
        assert (kind, name, url) == ("GET", "/wrong", f"http://127.0.0.1:{port}/wrong?10")
        assert isinstance(response_ms, float) and 0 < response_ms < 60_000
        assert size_bytes in (len(b'{"right": true}'), len(b'{"right": false}'))
        assert isinstance(start_epoch_s, float) and began_epoch_s - 1 < start_epoch_s < time() + 1


def test_a_server_that_refuses_is_not_asked_in_a_busy_loop(tmp_path: Path) -> None:
    """Two users, 50 ms after each refusal, a second."""
    plain_locust(tmp_path, free_port(), "-t", "1s")
    assert 0 < len(told(tmp_path)) <= 2 * (1.5 / 0.05 + 1)


def test_under_the_harness_listeners_hear_of_every_request_too(tmp_path: Path, stack: ExitStack) -> None:
    rig = Rig(tmp_path, PATH, 4, 1, stack, LISTENER)
    (record,) = rig.load(closed("capacity", 0.5, 4)).records
    assert_adds_up(record)
    rows = told(tmp_path)
    assert len(rows) == record.scheduled > 20
    assert {row[5] for row in rows} == {f"http://127.0.0.1:{rig.port}{PATH}"}, "not the address Locust was started with"
    wrong = [row for row in rows if "WrongAnswerError" in str(row[6])]
    assert len(wrong) == record.outcomes[Outcome.WRONG_ANSWER]
