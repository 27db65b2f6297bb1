"""Shows the progress of a run with rich: two live lines on a terminal, plain lines anywhere else."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.judging.overload import is_overloaded
from harness.results.records.outcome import error_count
from harness.results.records.phase_record import PhaseRecord, PhaseStatus
from harness.results.records.run_record import Preflight
from harness.results.records.slice_record import SliceRecord, SliceSpec
from harness.results.records.text import count

_REDRAW_HZ = 2.0


class Display:
    """A `Watcher` (harness/measuring/watcher.py). Names and errors from files are printed as plain text: what looks
    like markup in them has no effect."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._of = 0
        self._number = 0
        self._header = ""
        self._phase = ""
        self._goodput_rps: float | None = None
        self._p99_ms: float | None = None
        self._ends_s = 0.0  # CLOCK_MONOTONIC, as estimated
        self._broken: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=_REDRAW_HZ, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    # ----------------------------------------------------------------------------- what the measuring loop tells

    def preflight_began(self, strategies: int, workloads: int) -> None:
        self._header = f"checking {count(strategies, 'strategy', 'strategies')} on {count(workloads, 'workload')}"
        self._say(self._header)

    def preflight_done(self, result: Preflight) -> None:
        if result.error and (result.variant, result.error) not in self._broken:
            self._broken.add((result.variant, result.error))
            style = "red" if result.status == "failed" else "yellow"
            self._say(f"{result.variant}: not measured: {result.error}", style)

    def plan_ready(self, todo: Sequence[SliceSpec], done: int, estimate_s: float) -> None:
        self._of = len(todo)
        self._ends_s = monotonic() + estimate_s
        again = f", {done} already done" if done else ""
        self._say(f"{count(len(todo), 'slice')}{again}, about {clock(estimate_s)}")

    def session_began(self, workload: str, number: int, variants: int) -> None:
        self._header = f"{workload}, session {number}: booting {count(variants, 'server')}"
        self._phase, self._goodput_rps, self._p99_ms = "", None, None
        self._say(self._header)
        self._draw()

    def sessions_added(self, workload: str, variants: Sequence[str], slices: int) -> None:
        self._of += slices
        self._say(f"{workload}: still open: {', '.join(variants)}; {count(slices, 'more slice')}")

    def slice_began(self, spec: SliceSpec) -> None:
        round = "pilot" if spec.is_pilot else f"round {spec.round}"
        self._number += 1
        self._header = f"{round}  {spec.workload}  {spec.variant}"
        self._phase, self._goodput_rps, self._p99_ms = "starting", None, None
        self._draw()

    def phase_began(self, phase: str) -> None:
        self._phase = phase
        self._goodput_rps = self._p99_ms = None
        self._draw()

    def progressed(self, goodput_rps: float, p99_ms: float | None) -> None:
        self._goodput_rps, self._p99_ms = goodput_rps, p99_ms
        self._draw()

    def slice_ended(self, record: SliceRecord) -> None:
        spec = record.spec
        round = "pilot" if spec.is_pilot else f"round {spec.round}"
        line = f"{self._number:>4}/{self._of} {round:<9} {spec.workload:<7} {spec.variant:<22}"
        if record.status == "failed":
            self._say(f"{line} failed: {record.error}", "red")
        else:
            self._say(f"{line} {'  '.join(_figures(record.phases))}")

    def said(self, line: str) -> None:
        self._say(line)

    def noticed(self, line: str) -> None:
        self._say(line, "yellow")

    # -------------------------------------------------------------------------------------------- drawing

    def _say(self, line: str, style: str = "") -> None:
        self._console.print(Text(line, style=style), soft_wrap=True)

    def _draw(self) -> None:
        if self._live is None:
            return
        figures = []
        if self._goodput_rps is not None:
            figures.append(f"{self._goodput_rps:,.0f}/s")
        if self._p99_ms is not None:
            figures.append(f"p99 {self._p99_ms:,.0f} ms")
        row = Table.grid(padding=(0, 2))
        row.add_row(
            ProgressBar(total=self._of, completed=self._number - 1, width=24),
            Text(f"{self._number}/{self._of}"),
            Text(f"about {clock(max(0.0, self._ends_s - monotonic()))} left", style="dim"),
        )
        now = Table.grid(padding=(0, 2))
        now.add_row(Text(self._header, style="bold"), Text(self._phase), Text("  ".join(figures), style="cyan"))
        self._live.update(Group(now, row))


def clock(seconds: float) -> str:
    """`45 s`, `13 min 05 s`, `2 h 05 min`"""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _figures(phases: Sequence[PhaseRecord]) -> list[str]:
    """What each measured phase came to, shortest form."""
    return [_figure(phase) for phase in phases if phase.spec.kind.is_load]


def _figure(phase: PhaseRecord) -> str:
    if phase.status is PhaseStatus.SKIPPED:
        return f"{phase.spec.name} skipped"
    if phase.status is PhaseStatus.FAILED:
        return f"{phase.spec.name} failed"
    seconds = phase.end_s - phase.start_s
    said = f"{phase.spec.name} {phase.ok_in_window / seconds:,.0f}/s" if phase.ok_in_window else ""
    said = said or f"{phase.spec.name} no right answer"
    if is_overloaded(phase.spec.kind, phase.status, phase.ok_in_window, phase.scheduled):
        said += " overloaded"
    wrong = error_count(phase.outcomes)
    return f"{said} ({count(wrong, 'error')})" if wrong else said
