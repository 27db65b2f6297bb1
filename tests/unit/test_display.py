"""What the terminal says while a run goes on, as plain lines."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.cli.display import Display
from harness.judging.figures import PhaseFigures
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from tests.made_slices import phase, slice


def line_of(*phases: PhaseFigures) -> str:
    text = io.StringIO()
    with Display(Console(file=text, width=400)) as shown:
        shown.slice_began(slice().record.spec)
        shown.slice_ended(slice("sync_def", 1, *phases).record)
    return text.getvalue().strip()


LATE = {Outcome.OK: 20, Outcome.TIMEOUT: 60, Outcome.NOT_SENT: 40}


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        (phase(100.0), "capacity 100/s"),
        (phase(30.0, rate_rps=30.0), "rate-30 30/s"),
        (phase(5.0, rate_rps=30.0, status=PhaseStatus.CHOKED, outcomes=LATE), "rate-30 5/s overloaded"),
        (phase(5.0, rate_rps=30.0, outcomes={Outcome.OK: 20, Outcome.HTTP_ERROR: 1}), "rate-30 5/s (1 error)"),
        (phase(5.0, outcomes={**LATE, Outcome.CONNECTION_ERROR: 2}), "capacity 5/s (2 errors)"),
        (phase(0.0, outcomes={Outcome.NOT_SENT: 64}), "capacity no right answer"),
        (phase(0.0, rate_rps=30.0, status=PhaseStatus.SKIPPED, duration_s=0.0, outcomes={}), "rate-30 skipped"),
        (phase(9.0, status=PhaseStatus.FAILED), "capacity failed"),
    ],
)
def test_what_a_phase_came_to(figures: PhaseFigures, said: str) -> None:
    """What was not sent or came too late is overloaded, and no error: as the report has it."""
    assert line_of(figures).endswith(f"sync_def               {said}")


def test_a_warm_up_is_not_shown() -> None:
    assert "warmup" not in line_of(phase(9.0, name="warmup-2", kind=PhaseKind.WARMUP), phase(100.0))


def test_one_of_a_thing_is_no_plural() -> None:
    text = io.StringIO()
    with Display(Console(file=text, width=400)) as shown:
        shown.preflight_began(1, 1)
        shown.plan_ready([slice().record.spec], 0, 61.0)
        shown.preflight_began(2, 3)
    assert text.getvalue().splitlines() == [
        "checking 1 strategy on 1 workload",
        "1 slice, about 1 min 01 s",
        "checking 2 strategies on 3 workloads",
    ]
