"""What the measuring loop reports while it works; `cli` decides how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from harness.results.records.run_record import Preflight
from harness.results.records.slice_record import SliceRecord, SliceSpec


class Watcher(Protocol):
    """Is called at each step. It must not disturb the measurement."""

    def preflight_began(self, strategies: int, workloads: int) -> None: ...

    def preflight_done(self, result: Preflight) -> None: ...

    def plan_ready(self, todo: Sequence[SliceSpec], done: int, estimate_s: float) -> None: ...

    def session_began(self, workload: str, number: int, variants: int) -> None: ...

    def sessions_added(self, workload: str, variants: Sequence[str], slices: int) -> None:
        """A further session, for the comparisons of these variants that are still open."""

    def slice_began(self, spec: SliceSpec) -> None: ...

    def phase_began(self, phase: str) -> None: ...

    def progressed(self, goodput_rps: float, p99_ms: float | None) -> None: ...

    def slice_ended(self, record: SliceRecord) -> None: ...

    def said(self, line: str) -> None:
        """Something that is good to know."""

    def noticed(self, line: str) -> None:
        """Something a person should read: a broken strategy file, a failed slice."""
