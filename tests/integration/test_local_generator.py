"""A real Locust process, driven over its control socket, against a real server of known behaviour."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import ceil
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import msgspec
import pytest

from harness.driving.generator import GeneratorError
from harness.driving.load import Done, Load
from harness.driving.local_generator import LocalGenerator
from harness.processes.ports import free_port
from harness.processes.process import Supervised, child_environment
from harness.results import histograms
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome, error_count, too_late_count
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.workload import Request, Workload
from harness.serving.health import ask_health

PROJECT = Path(__file__).parents[2]
SCENARIO = """
from locust import task
from harness.scenario import BenchUser

class Asker(BenchUser):
    @task
    def ask_once(self):
        self.ask("{path}", {{"right": True}})
"""


def percentile_ms(histogram: histograms.Histogram, percent: float) -> float:
    return histogram.at_rank(ceil(histogram.total * percent / 100)) / 1e3


def start_truth_app(folder: Path, port: int, stack: ExitStack) -> Supervised:
    command = [
        *(sys.executable, "-m", "uvicorn", "tests.truth_app:app", "--host", "127.0.0.1", "--port", str(port)),
        *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
    ]
    return stack.enter_context(
        Supervised(command, cwd=PROJECT, env=child_environment(PROJECT), log_path=folder / "server.log")
    )


def wait_until_healthy(port: int, folder: Path) -> None:
    deadline_s = monotonic() + 20
    while isinstance(ask_health("127.0.0.1", port, 1.0), str):
        assert monotonic() < deadline_s, (folder / "server.log").read_text()
        sleep(0.05)


class Rig:
    """A server, and a generator whose scenario asks it for one path; `more` is added to the scenario's file."""

    def __init__(self, folder: Path, path: str, users: int, generators: int, stack: ExitStack, more: str = "") -> None:
        self.port = free_port()
        self.latency_path = folder / "latency.hlog"
        self.server = start_truth_app(folder, self.port, stack)
        (folder / "asker.py").write_text(SCENARIO.format(path=path) + more)
        self.generator = stack.enter_context(
            LocalGenerator.launch(
                Workload("asker", "", "", "asker.py", (Request(path, {"right": True}),)),
                root=folder,
                users=users,
                latency_path=self.latency_path,
                log_path=folder / "locust.log",
                cpus=None,
                generators=generators,
            )
        )
        wait_until_healthy(self.port, folder)
        self.generator.wait_ready(30)

    def load(self, *phases: PhaseSpec, drain_s: float = 3.0, timeout_s: float = 10.0) -> Done:
        load = Load(("127.0.0.1", self.port), phases, drain_s, timeout_s, 20.0)
        return self.generator.run(load, lambda event: None, lambda: self.server.exit_code() is not None)

    def median_ms(self, phase: str, metric: Metric) -> float:
        return percentile_ms(histograms.read_histograms(self.latency_path).merged(phase, [Outcome.OK], metric), 50)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    with ExitStack() as stack:
        yield lambda path, users=64, generators=1: Rig(tmp_path, path, users, generators, stack)


def closed(name: str, duration_s: float, users: int) -> PhaseSpec:
    return PhaseSpec(name=name, kind=PhaseKind.CAPACITY, duration_s=duration_s, users=users)


def rate(name: str, duration_s: float, rps: float) -> PhaseSpec:
    return PhaseSpec(name=name, kind=PhaseKind.RATE, duration_s=duration_s, users=64, rate_rps=rps, seed=5)


def assert_adds_up(record: PhaseRecord) -> None:
    assert record.scheduled > 0
    assert sum(record.outcomes.values()) == record.scheduled
    assert sum(record.ok_per_tenth) == record.ok_in_window
    assert sum(record.health_outcomes.values()) == record.health_scheduled > 0


def test_closed_and_open_loop_on_a_fixed_delay(rig: Callable[..., Rig]) -> None:
    fixed = rig("/delay?50")
    warmup, capacity = fixed.load(closed("warmup", 0.5, 10), closed("capacity", 2.0, 10)).records
    (open_loop,) = fixed.load(rate("rate", 2.0, 100.0)).records
    for record in (warmup, capacity, open_loop):
        assert_adds_up(record)
        assert record.status is PhaseStatus.COMPLETE
        assert set(record.outcomes) == {Outcome.OK}
        assert record.min_service_ms is not None
        assert record.min_service_ms >= 50
    # 10 users, 50 ms each: 200 a second and never more.
    assert 0.75 * 400 <= capacity.ok_in_window <= 1.01 * 400
    assert open_loop.scheduled == pytest.approx(200, abs=4 * 200**0.5)
    assert fixed.median_ms("rate", Metric.RESPONSE) == pytest.approx(50, rel=0.15)
    assert fixed.median_ms("rate", Metric.SEND_LAG) < 2


def test_in_an_idle_phase_nobody_asks_but_health(rig: Callable[..., Rig]) -> None:
    """Nor is anything left of the closed loop before it."""
    fixed = rig("/delay?50")
    (capacity,) = fixed.load(closed("capacity", 0.5, 10)).records
    (idle,) = fixed.load(PhaseSpec(name="idle", kind=PhaseKind.IDLE, duration_s=1.0, users=1)).records
    assert capacity.scheduled > 0
    assert (idle.status, idle.scheduled, idle.outcomes, idle.ok_in_window) == (PhaseStatus.COMPLETE, 0, {}, 0)
    assert idle.end_s - idle.start_s == pytest.approx(1.0)
    assert idle.health_scheduled in (20, 21)  # the sum of twenty intervals is a second, but for rounding
    assert idle.health_outcomes == {Outcome.OK: idle.health_scheduled}
    latencies = histograms.read_histograms(fixed.latency_path)
    assert latencies.merged("idle", list(Outcome), Metric.RESPONSE).total == 0
    assert latencies.merged("idle", [Outcome.OK], Metric.HEALTH).total == idle.health_scheduled


def warmup(users: int) -> PhaseSpec:
    return PhaseSpec(name="warmup", kind=PhaseKind.WARMUP, duration_s=4.0, users=users, min_s=0.2)


def test_a_warm_up_ends_when_answers_have_settled_and_the_next_phase_begins_there(rig: Callable[..., Rig]) -> None:
    warm, capacity = rig("/delay?40").load(warmup(16), closed("capacity", 1.0, 16)).records
    assert warm.settled
    assert 0.2 <= warm.end_s - warm.start_s < 1.5
    assert capacity.start_s == warm.end_s
    assert capacity.end_s - capacity.start_s == pytest.approx(1.0)
    assert capacity.settled is None
    # Nothing of the turn of phases is lost to the capacity: 16 users, 40 ms each.
    assert 0.75 * 400 <= capacity.ok_in_window <= 1.05 * 400
    for record in (warm, capacity):
        assert_adds_up(record)


def test_a_server_that_is_still_waking_up_is_warmed_for_longer(rig: Callable[..., Rig]) -> None:
    warm, _ = rig("/waking?20").load(warmup(16), closed("capacity", 0.3, 16)).records
    assert warm.settled
    assert 1.2 < warm.end_s - warm.start_s < 4.0


def test_the_warm_up_of_two_generators_ends_for_both_at_once_when_both_have_settled(rig: Callable[..., Rig]) -> None:
    pair = rig("/delay?50", users=3, generators=2)
    # 32 answers each: the first has two users and has settled after 0.8 s, the second has one and needs 1.6 s.
    spec = PhaseSpec(name="warmup", kind=PhaseKind.WARMUP, duration_s=8.0, users=3, min_s=0.2)
    warm, capacity = pair.load(spec, closed("capacity", 1.0, 3)).records
    assert warm.settled
    assert 1.6 <= warm.end_s - warm.start_s < 6.0
    # The first to begin and the last to end: 0.8 s more, did each end by itself.
    assert capacity.start_s == pytest.approx(warm.end_s, abs=0.4)
    assert capacity.end_s - capacity.start_s == pytest.approx(1.0, abs=0.4)
    for record in (warm, capacity):
        assert_adds_up(record)


def test_one_of_two_generators_that_has_not_settled_keeps_both_warming(rig: Callable[..., Rig]) -> None:
    """The second has one user, and of its answers, one every 100 ms, 32 are needed."""
    pair = rig("/delay?100", users=3, generators=2)
    spec = PhaseSpec(name="warmup", kind=PhaseKind.WARMUP, duration_s=2.4, users=3, min_s=0.2)
    (warm,) = pair.load(spec).records
    assert warm.settled is False
    assert warm.end_s - warm.start_s == pytest.approx(2.4, abs=0.5)


def test_the_generator_knows_its_own_cpu(rig: Callable[..., Rig]) -> None:
    began_s = monotonic()
    (record,) = rig("/wrong?1000", users=8).load(closed("capacity", 1.0, 8)).records
    elapsed_s = monotonic() - began_s
    assert record.own_cpu_s is not None
    assert 0.02 < record.own_cpu_s <= elapsed_s
    if sys.platform == "linux":
        assert record.own_cpu_wait_s is not None
        assert 0 <= record.own_cpu_wait_s < elapsed_s


def test_a_server_too_slow_to_settle_is_warmed_to_the_limit(rig: Callable[..., Rig]) -> None:
    spec = PhaseSpec(name="warmup", kind=PhaseKind.WARMUP, duration_s=0.6, users=16, min_s=0.2)
    (warm,) = rig("/delay?400").load(spec).records
    assert warm.settled is False
    assert warm.end_s - warm.start_s == pytest.approx(0.6)


def test_a_frozen_server_delays_those_that_should_have_been_sent_meanwhile(rig: Callable[..., Rig]) -> None:
    """Two users, so nearly everybody waits to be sent: a closed loop would have hidden it."""
    frozen = rig("/freeze", users=2)
    (record,) = frozen.load(rate("rate", 4.0, 100.0)).records
    assert_adds_up(record)
    recorded = histograms.read_histograms(frozen.latency_path)
    service = recorded.merged("rate", [Outcome.OK], Metric.SERVICE)
    response = recorded.merged("rate", [Outcome.OK], Metric.RESPONSE)
    assert response.total == service.total == record.outcomes[Outcome.OK]
    # A quarter of the time it is frozen: p90 of what people felt is 0.3 s (0.5 s x (1 - 10 % / 25 %)).
    assert percentile_ms(response, 90) == pytest.approx(300, rel=0.25)
    assert percentile_ms(service, 90) < 50


def test_wrong_answers_and_errors_are_counted_exactly(rig: Callable[..., Rig]) -> None:
    (record,) = rig("/wrong?10").load(closed("capacity", 1.0, 4)).records
    assert_adds_up(record)
    assert record.outcomes[Outcome.WRONG_ANSWER] == record.scheduled // 10
    assert record.ok_in_window <= record.outcomes[Outcome.OK]


def test_http_errors_are_counted_exactly(rig: Callable[..., Rig]) -> None:
    (record,) = rig("/error?10").load(closed("capacity", 1.0, 4)).records
    assert record.outcomes[Outcome.HTTP_ERROR] == record.scheduled // 10


def test_what_is_refused_is_counted_exactly_and_is_no_error(rig: Callable[..., Rig]) -> None:
    (record,) = rig("/full?10").load(rate("rate", 1.0, 200.0)).records
    assert_adds_up(record)
    assert record.status is PhaseStatus.COMPLETE
    assert record.outcomes[Outcome.REFUSED] == record.scheduled // 10
    assert error_count(record.outcomes) == too_late_count(record.outcomes) == 0


def test_a_user_that_is_refused_does_not_ask_again_at_once(rig: Callable[..., Rig]) -> None:
    (record,) = rig("/full?1").load(closed("capacity", 1.0, 4)).records
    assert 0 < record.outcomes[Outcome.REFUSED] <= 4 * 1.0 / 0.05 + 4


def test_what_never_answers_is_censored_or_not_sent_and_nothing_vanishes(rig: Callable[..., Rig]) -> None:
    began_s = monotonic()
    (record,) = rig("/never", users=8).load(rate("rate", 1.0, 50.0), drain_s=0.3, timeout_s=60).records
    assert_adds_up(record)
    assert record.status is PhaseStatus.CHOKED
    assert record.outcomes == {Outcome.TIMEOUT: 8, Outcome.NOT_SENT: record.scheduled - 8}
    assert record.censored == 8
    assert monotonic() - began_s < 30


def test_a_timeout_is_an_outcome(rig: Callable[..., Rig]) -> None:
    (record,) = rig("/never", users=4).load(closed("capacity", 0.5, 4), drain_s=2.0, timeout_s=0.3).records
    assert set(record.outcomes) == {Outcome.TIMEOUT}
    assert record.censored == 0


def test_two_generators_share_every_load_and_are_counted_as_one(rig: Callable[..., Rig]) -> None:
    pair = rig("/wrong?10", users=31, generators=2)
    (closed_loop,) = pair.load(closed("capacity", 1.0, 5)).records
    (open_loop,) = pair.load(rate("rate", 3.0, 200.0)).records
    (rewarm,) = pair.load(closed("warmup-1", 0.2, 1)).records
    for record in (closed_loop, open_loop, rewarm):
        assert_adds_up(record)
        assert set(record.outcomes) <= {Outcome.OK, Outcome.WRONG_ANSWER}
    # The server counts over both, so only the sums can be exact.
    scheduled = sum(record.scheduled for record in (closed_loop, open_loop, rewarm))
    wrong = sum(record.outcomes.get(Outcome.WRONG_ANSWER, 0) for record in (closed_loop, open_loop, rewarm))
    assert wrong == scheduled // 10
    assert open_loop.scheduled == pytest.approx(600, abs=4 * 600**0.5)
    logs = sorted(pair.latency_path.parent.glob("*.hlog"))
    assert [log.name for log in logs] == ["latency-2.hlog", "latency.hlog"]
    outcomes = [Outcome.OK, Outcome.WRONG_ANSWER]
    assert (
        histograms.read_histograms(pair.latency_path).merged("rate", outcomes, Metric.RESPONSE).total
        == open_loop.scheduled
    )
    second = histograms.read_histograms(logs[0]).merged("rate", outcomes, Metric.RESPONSE).total
    assert 0.3 * open_loop.scheduled < second < 0.7 * open_loop.scheduled
    assert histograms.read_histograms(logs[0]).merged("warmup-1", outcomes, Metric.RESPONSE).total == 0


def test_a_server_that_dies_ends_the_load_and_what_was_counted_is_kept(rig: Callable[..., Rig]) -> None:
    dying = rig("/die?50")
    began_s = monotonic()
    (record,) = dying.load(closed("capacity", 20.0, 4)).records
    assert monotonic() - began_s < 15
    assert_adds_up(record)
    assert record.outcomes[Outcome.OK] == 49
    assert record.outcomes[Outcome.CONNECTION_ERROR] >= 1


def test_a_broken_scenario_is_one_line_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    with (
        LocalGenerator.launch(
            Workload("broken", "", "", "broken.py", ()),
            root=tmp_path,
            users=1,
            latency_path=tmp_path / "latency.hlog",
            log_path=tmp_path / "locust.log",
            cpus=None,
        ) as generator,
        pytest.raises(GeneratorError, match="no_such_module"),
    ):
        generator.wait_ready(30)


CHOOSER = """
import random
from locust import task
from harness.scenario import BenchUser

class Chooser(BenchUser):
    @task
    def choose(self):
        self.ask(f"/{random.randrange(1000)}", {"right": True})
"""


@contextmanager
def remembering_server() -> Iterator[tuple[int, list[str]]]:
    """Its port, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path != "/health":
                asked.append(self.path)
            body = b'{"right": true}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1], asked
        server.shutdown()
        thread.join(10)


def test_what_a_scenario_chooses_by_chance_comes_from_the_phases_seed(tmp_path: Path) -> None:
    """So that the variants of a round are asked the same, in the same order."""
    (tmp_path / "chooser.py").write_text(CHOOSER)
    workload = Workload("chooser", "", "", "chooser.py", (Request("/0", {"right": True}),))
    seen: dict[str, Counter[str]] = {}
    with (
        remembering_server() as (port, asked),
        LocalGenerator.launch(
            workload,
            root=tmp_path,
            users=64,
            latency_path=tmp_path / "latency.hlog",
            log_path=tmp_path / "locust.log",
            cpus=None,
        ) as generator,
    ):
        generator.wait_ready(30)
        for name, seed in (("first", 5), ("again", 5), ("other", 6)):
            asked.clear()
            phase = msgspec.structs.replace(rate(name, 1.0, 80.0), seed=seed)
            warmup = closed(f"warmup-{name}", 0.2, len(seen) + 1)  # which chooses, too, another number of times
            (_, record) = (
                generator.run(
                    Load(("127.0.0.1", port), (one,), 3.0, 10.0, 0.0), lambda event: None, lambda: False
                ).records[0]
                for one in (warmup, phase)
            )
            seen[name] = Counter(asked[-record.scheduled :])
            assert seen[name].total() == record.scheduled > 40
    assert seen["first"] == seen["again"]
    assert seen["first"] != seen["other"]
