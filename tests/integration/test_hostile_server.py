"""A real Locust process against a server that does everything wrong: every request ends in one outcome."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.driving.load import Load
from harness.driving.local_generator import LocalGenerator
from harness.results import histograms
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec
from harness.results.records.workload import Request, Workload
from tests.hostile import CORPUS, ENDLESS, OK, HostileServer, never_ends, resets_after, says

_SCENARIO = """
from locust import task
from harness.scenario import BenchUser

class Asker(BenchUser):
    @task
    def ask_once(self):
        self.ask("/", {"right": True})
"""
_TIMEOUT_S = 0.3

EVERYTHING = [
    *map(says, CORPUS.values()),
    *(resets_after(OK[:cut]) for cut in range(0, len(OK), 7)),
    *(never_ends(*ENDLESS[name]) for name in ("headers", "interim responses", "chunk extension", "body")),
    *(never_ends(begin, again[:3], pause_s=0.05) for begin, again in ENDLESS.values()),
]


def run(generator: LocalGenerator, address: tuple[str, int], phase: PhaseSpec) -> tuple[PhaseRecord, ...]:
    load = Load(address, (phase,), 1.0, _TIMEOUT_S, 20.0)
    return generator.run(load, lambda event: None, lambda: False).records


@contextmanager
def driving(tmp_path: Path, scenario: str) -> Iterator[LocalGenerator]:
    (tmp_path / "asker.py").write_text(scenario)
    with LocalGenerator.launch(
        Workload("asker", "", "", "asker.py", (Request("/", {"right": True}),)),
        root=tmp_path,
        users=64,
        latency_path=tmp_path / "latency.hlog",
        log_path=tmp_path / "locust.log",
        cpus=None,
    ) as generator:
        generator.wait_ready(30)
        yield generator


def test_every_request_ends_in_one_outcome_and_the_generator_survives(tmp_path: Path) -> None:
    closed = PhaseSpec(name="closed", kind=PhaseKind.CAPACITY, duration_s=2.0, users=16)
    rate = PhaseSpec(name="rate", kind=PhaseKind.RATE, duration_s=1.0, users=64, rate_rps=100.0, seed=3)

    with driving(tmp_path, _SCENARIO) as generator:
        with HostileServer(EVERYTHING) as server:
            records = run(generator, server.address, closed) + run(generator, server.address, rate)
        # What came has left nothing behind: not in the users, not in their connections.
        # This one says that it closes; else a next request may meet a closing connection, which is counted.
        with HostileServer([says(OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))]) as server:
            (after,) = run(generator, server.address, PhaseSpec("after", PhaseKind.CAPACITY, 1.0, 16))
        generator.stop()
    assert set(after.outcomes) == {Outcome.OK}
    assert "Traceback" not in (tmp_path / "locust.log").read_text()
    recorded = histograms.read_histograms(tmp_path / "latency.hlog")
    for record in records:
        assert record.scheduled > len(EVERYTHING) / 2
        assert sum(record.outcomes.values()) == record.scheduled
        assert sum(record.health_outcomes.values()) == record.health_scheduled > 0
        for outcome, count in record.outcomes.items():
            assert recorded.merged(record.spec.name, [outcome], Metric.RESPONSE).total == count
    assert set(records[0].outcomes) >= {
        Outcome.OK,
        Outcome.WRONG_ANSWER,
        Outcome.HTTP_ERROR,
        Outcome.TIMEOUT,
        Outcome.CONNECTION_ERROR,
    }


def test_a_scenario_that_fails_before_it_asks_loses_no_arrival_and_does_not_spin(tmp_path: Path) -> None:
    failing = _SCENARIO.replace("self.ask(", "raise ValueError('before it asked')\n        self.ask(")
    closed = PhaseSpec(name="closed", kind=PhaseKind.CAPACITY, duration_s=1.0, users=4)
    with driving(tmp_path, failing) as generator, HostileServer([says(OK)]) as server:
        (record,) = run(generator, server.address, closed)
    assert record.outcomes == {Outcome.NOT_SENT: record.scheduled}
    assert 4 <= record.scheduled < 4 * 40, "a pause of 50 ms after each"
