"""What a run does not give because of a strategy, and what a noisy machine cost it. Pure.

A strategy that answered wrongly, died, or has no valid data is a shortfall; one that could not be measured at all is
known before anything is judged. A trial that other users of the machine disturbed is no shortfall while its cell has
other data: a noisy machine is not an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from harness.analysis.evidence import Analysis, Cell
from harness.analysis.trials import counting, invalid_codes
from harness.judging.figures import TrialFigures
from harness.judging.validity import DISTURBANCES


class Disturbed(Struct, frozen=True):
    """The attempts that were left out for nothing but disturbances. `share` is of the time that all attempts took."""

    attempts: int
    of_attempts: int
    share: float
    codes: dict[str, int]  # how many attempts met each, the most frequent first


class OwnFailures(Struct, frozen=True):
    """The trials of which the strategy itself spoilt an attempt; one that went well later does not undo it."""

    trials: int
    of_trials: int
    codes: dict[str, int]  # how many trials met each, the most frequent first


def shortfalls(analysis: Analysis) -> tuple[str, ...]:
    """One line each: a cell without valid data, a cell of which a trial failed or answered wrongly."""
    return tuple(line for cell in analysis.cells for line in _of_cell(analysis, cell))


def _of_cell(analysis: Analysis, cell: Cell) -> Iterator[str]:
    attempts = _attempts(analysis, cell.workload, cell.variant)
    name = f"{cell.variant} on {cell.workload}"
    if any("wrong_answers" in invalid_codes(trial) for trial in attempts):
        yield f"{name}: gave wrong answers under load"
    if cell.status != "measured":
        return
    chosen = counting(attempts)
    if cell.capacity is None:
        yield f"{name}: no valid data ({_why(attempts)})"
        return
    # Of every attempt: one that went well later does not undo an earlier one. A trial whose last attempt failed is said
    # by who measured it.
    failed = {trial.folder for trial in chosen if trial.record.status == "failed"}
    counted = [trial for trial in attempts if not trial.record.spec.is_pilot and trial.folder not in failed]
    own = {code for trial in counted for code in _own_codes(trial)} - {"wrong_answers"}  # said above
    if own:
        yield f"{name}: an attempt does not count ({', '.join(sorted(own))})"


def own_failures(analysis: Analysis, workload: str, variant: str) -> OwnFailures:
    """Of every attempt at the cell's trials; the pilot's are not counted, they are no evidence."""
    by_trial: dict[str, set[str]] = {}
    for attempt in _attempts(analysis, workload, variant):
        if not attempt.record.spec.is_pilot:
            by_trial.setdefault(attempt.record.spec.id, set()).update(_own_codes(attempt))
    met = Counter(code for codes in by_trial.values() for code in sorted(codes))
    return OwnFailures(sum(map(bool, by_trial.values())), len(by_trial), dict(met.most_common()))


def _own_codes(trial: TrialFigures) -> set[str]:
    """What the strategy itself did to an attempt. What came with a disturbance may come from it, but no wrong answer
    does."""
    codes = invalid_codes(trial)
    return codes & {"wrong_answers"} if codes & DISTURBANCES else codes


def _attempts(analysis: Analysis, workload: str, variant: str) -> list[TrialFigures]:
    return [
        trial
        for trial in analysis.trials
        if (trial.record.spec.workload, trial.record.spec.variant) == (workload, variant)
    ]


def disturbed(analysis: Analysis) -> Disturbed | None:
    """None when no attempt was left out for a disturbance; the pilot's are not counted, they are no evidence."""
    attempts = [trial for trial in analysis.trials if not trial.record.spec.is_pilot]
    out = [trial for trial in attempts if not trial.valid and invalid_codes(trial) <= DISTURBANCES]
    total_s = sum(trial.record.elapsed_s for trial in attempts)
    if not out or not total_s:
        return None
    met = Counter(code for trial in out for code in sorted(invalid_codes(trial)))
    share = sum(trial.record.elapsed_s for trial in out) / total_s
    return Disturbed(len(out), len(attempts), share, dict(met.most_common()))


def _why(trials: Sequence[TrialFigures]) -> str:
    codes = sorted({code for trial in trials for code in invalid_codes(trial)})
    return ", ".join(codes) or "its closed loop did not run"
