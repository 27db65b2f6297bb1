"""What the measuring loop reports while it works; `cli` decides how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from harness.results.records.run_record import Preflight
from harness.results.records.trial_record import TrialRecord, TrialSpec


class Watcher(Protocol):
    """Is called at each step. It must not disturb the measurement."""

    def preflight_began(self, strategies: int, workloads: int) -> None: ...

    def preflight_done(self, result: Preflight) -> None: ...

    def plan_ready(self, todo: Sequence[TrialSpec], done: int, estimate_s: float) -> None: ...

    def trial_began(self, spec: TrialSpec, number: int, of: int, blocks: int, left_s: float) -> None: ...

    def retry_began(self, spec: TrialSpec, attempt: int, codes: Sequence[str]) -> None:
        """An invalid trial is measured again; `codes` are the findings against it."""

    def phase_began(self, phase: str, duration_s: float) -> None: ...

    def progressed(self, goodput_rps: float, p99_ms: float | None) -> None: ...

    def trial_ended(self, record: TrialRecord) -> None: ...

    def noticed(self, line: str) -> None:
        """Something a person should read: a broken strategy file, a failed trial."""
