"""A second generator, for tests: plain threads and `http.client`, no Locust, no other process.

It shares only the `Generator` type with `LocalGenerator`: this proves that the type is enough. It is slow. Its threads
know only relative times: its clock starts again with each load, at an arbitrary number.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, Queue
from random import Random
from time import perf_counter, sleep
from types import TracebackType
from typing import Self

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogWriter

from harness.driving.load import Done, Ended, Load, Progress, Started
from harness.results.records.answer import canonical_json, is_success
from harness.results.records.metric import HIGHEST_US, LOWEST_US, SIGNIFICANT_FIGURES, Metric, slice_mark
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.schedule import schedule
from harness.results.records.workload import Request, Workload

_POLL_S = 0.005


class ThreadGenerator:
    """A thread for each user."""

    local_pid = None  # it runs in the harness's own process: nothing to sample

    def __init__(self, workload: Workload, latency_path: Path) -> None:
        self._workload = workload
        self._latency_path = latency_path

    @classmethod
    def launch(
        cls,
        workload: Workload,
        *,
        root: Path,
        users: int,
        latency_path: Path,
        log_path: Path,
        cpus: Sequence[int] | None,
        generators: int = 1,
    ) -> Self:
        return cls(workload, latency_path)

    def wait_ready(self, timeout_s: float) -> None:
        pass

    def run(
        self,
        load: Load,
        on_event: Callable[[Started | Progress | Ended], None],
        is_server_gone: Callable[[], bool],
    ) -> Done:
        began_s = perf_counter()
        records = []
        for spec in load.phases:
            phase = _ThreadPhase(spec, load, self._workload, lambda: perf_counter() - began_s)
            on_event(Started(spec.name))
            records.append(phase.run(is_server_gone))
            on_event(Ended(spec.name))
            self._write(phase, load)
        return Done(tuple(records), drain_s=0.0)

    def _write(self, phase: _ThreadPhase, load: Load) -> None:
        folder = Path(load.folder) if load.folder else self._latency_path.parent
        with (folder / self._latency_path.name).open("a", encoding="ascii") as log:
            for (outcome, metric), histogram in phase.histograms.items():
                log.write(f"Tag={phase.name}{slice_mark(load.slice)}.{outcome}.{metric},")
                HistogramLogWriter(log).output_interval_histogram(histogram, phase.start_s, phase.end_s, 1000.0)

    def stop(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _ThreadPhase:
    def __init__(self, spec: PhaseSpec, load: Load, workload: Workload, clock: Callable[[], float]) -> None:
        self.name = spec.name
        self._spec = spec
        self._load = load
        self._requests = workload.requests
        self._clock = clock
        # Not SimpleQueue: several threads that wait in its `get` with a timeout may wait for ever (CPython 3.11).
        self._due: Queue[float | None] = Queue()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._outcomes: Counter[Outcome] = Counter()
        self._ok_tenths: Counter[int] = Counter()
        self._fastest_s = float("inf")
        self.histograms: dict[tuple[Outcome, Metric], HdrHistogram] = {}
        self.start_s = clock()
        self.end_s = self.start_s + spec.duration_s

    def run(self, is_server_gone: Callable[[], bool]) -> PhaseRecord:
        users = [threading.Thread(target=self._user, args=(n,)) for n in range(self._spec.users)]
        for user in users:
            user.start()
        if self._spec.kind is PhaseKind.RATE:
            self._feed()
        while self._clock() < self.end_s and not is_server_gone():
            sleep(_POLL_S)
        self._over.set()
        for user in users:
            user.join()
        return PhaseRecord(
            spec=self._spec,
            status=PhaseStatus.COMPLETE,
            start_s=self.start_s,
            end_s=self.end_s,
            drained_s=self._clock(),
            scheduled=sum(self._outcomes.values()),
            outcomes=dict(sorted(self._outcomes.items())),
            ok_in_window=sum(self._ok_tenths.values()),
            ok_per_tenth=tuple(self._ok_tenths[tenth] for tenth in range(max(self._ok_tenths, default=-1) + 1)),
            min_service_ms=self._fastest_s * 1e3 if self._outcomes[Outcome.OK] else None,
        )

    def _feed(self) -> None:
        for offset_s in schedule(
            self._spec.arrivals, self._spec.rate_rps or 0.0, self._spec.duration_s, self._spec.seed
        ):
            sleep(max(0.0, self.start_s + offset_s - self._clock()))
            self._due.put(self.start_s + offset_s)

    def _user(self, number: int) -> None:
        random = Random(number)
        connection = http.client.HTTPConnection(*self._load.address, timeout=self._load.request_timeout_s)
        while (intended_s := self._next()) is not None:
            request = random.choice(self._requests)
            sent_s = self._clock()
            outcome = _ask(connection, request)
            self._count(outcome, intended_s, sent_s, self._clock())
        connection.close()

    def _next(self) -> float | None:
        """When the next request is meant to start; None when there is none."""
        if self._spec.kind in (PhaseKind.WARMUP, PhaseKind.CAPACITY):
            return None if self._over.is_set() else self._clock()
        while True:
            try:
                return self._due.get(timeout=_POLL_S)
            except Empty:
                if self._over.is_set():
                    return None

    def _count(self, outcome: Outcome, intended_s: float, sent_s: float, now_s: float) -> None:
        values = {
            Metric.SERVICE: now_s - sent_s,
            Metric.RESPONSE: now_s - intended_s,
            Metric.SEND_LAG: sent_s - intended_s,
        }
        with self._lock:
            self._outcomes[outcome] += 1
            for metric, seconds in values.items():
                if (outcome, metric) not in self.histograms:
                    self.histograms[outcome, metric] = HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_FIGURES)
                self.histograms[outcome, metric].record_value(max(1, round(seconds * 1e6)))
            if outcome is Outcome.OK:
                self._fastest_s = min(self._fastest_s, now_s - sent_s)
                if now_s < self.end_s:
                    self._ok_tenths[int((now_s - self.start_s) * 10)] += 1


def _ask(connection: http.client.HTTPConnection, request: Request) -> Outcome:
    try:
        connection.request(request.method, request.path, request.body.encode() or None, request.headers)
        response = connection.getresponse()
        body = response.read()
    except TimeoutError:
        connection.close()
        return Outcome.TIMEOUT
    except (OSError, http.client.HTTPException):
        connection.close()
        return Outcome.CONNECTION_ERROR
    if request.status is not None and response.status == request.status:
        return Outcome.OK
    if not is_success(response.status):
        return Outcome.HTTP_ERROR
    is_right = request.status is None and canonical_json(json.loads(body)) == canonical_json(request.answer)
    return Outcome.OK if is_right else Outcome.WRONG_ANSWER
