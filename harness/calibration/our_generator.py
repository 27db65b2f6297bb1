"""Our instrument as a run uses it: the local generator, a scenario's BenchUser, the latency log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.calibration.locustfiles import write_ours
from harness.calibration.truth_server import CHECKOUT
from harness.driving.load import Load
from harness.driving.local_generator import LocalGenerator
from harness.results import histograms
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec
from harness.results.records.workload import Request, Workload

READY_S = 30.0
_TIMEOUT_S = 10.0
_DRAIN_S = 4.0  # longer than a freeze
_HEALTH_RPS = 1.0


class OurGenerator:
    """One Locust process for several phases against one address. Leaving the `with` block ends it."""

    def __init__(
        self, folder: Path, name: str, path: str, answer: object, *, users: int, cpus: Sequence[int] | None
    ) -> None:
        self._latency_path = folder / f"{name}.hlog"
        self.users = users
        scenario = write_ours(folder, name, path, answer)
        self._generator = LocalGenerator.launch(
            Workload(name, "", "", str(scenario), (Request(path, answer),)),
            root=CHECKOUT,
            users=users,
            latency_path=self._latency_path,
            log_path=folder / f"{name}.log",
            cpus=cpus,
        )

    @property
    def local_pid(self) -> int:
        return self._generator.local_pid

    @property
    def load_began_s(self) -> float:
        """When the latest phase began, CLOCK_MONOTONIC: the truth server's clock too."""
        return self._generator.load_began_s

    def wait_ready(self) -> None:
        self._generator.wait_ready(READY_S)

    def open_loop(
        self, name: str, address: tuple[str, int], rate_rps: float, duration_s: float, seed: int
    ) -> PhaseRecord:
        return self._run(PhaseSpec(name, PhaseKind.RATE, duration_s, self.users, rate_rps=rate_rps, seed=seed), address)

    def closed_loop(self, name: str, address: tuple[str, int], users: int, duration_s: float) -> PhaseRecord:
        return self._run(PhaseSpec(name, PhaseKind.CAPACITY, duration_s, users), address)

    def times(self, phase: str, metric: Metric = Metric.RESPONSE) -> histograms.Histogram:
        """The times, in us, of the right answers of a phase that has ended; RESPONSE counts from the intended start."""
        return histograms.read_histograms(self._latency_path).merged(phase, [Outcome.OK], metric)

    def _run(self, spec: PhaseSpec, address: tuple[str, int]) -> PhaseRecord:
        load = Load(address, (spec,), _DRAIN_S, _TIMEOUT_S, _HEALTH_RPS)
        (record,) = self._generator.run(load, lambda event: None, _never_gone).records
        return record

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._generator.__exit__(kind, error, trace)


def _never_gone() -> bool:
    """A truth server that has ended is noticed anyway: every request fails."""
    return False
