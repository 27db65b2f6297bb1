"""How long a run will still take."""

from __future__ import annotations

from collections.abc import Sequence

from harness import plan
from harness.results.records.run_record import RunRecord
from harness.results.records.trial_record import TrialSpec


class TimeLeft:
    """The sum of the trials' estimates. Each is corrected by the mean error of the trials of its kind (pilot, or not)
    that have been measured."""

    def __init__(self, record: RunRecord, todo: Sequence[TrialSpec]) -> None:
        self._todo = todo
        boot_s = {cell.variant: cell.boot_s for cell in record.preflight}
        self._estimates_s = [plan.estimate_s([spec], record.profile, boot_s) for spec in todo]
        self._errors_s: dict[bool, list[float]] = {True: [], False: []}

    @property
    def estimate_s(self) -> float:
        return sum(self._estimates_s)

    def took(self, spec: TrialSpec, elapsed_s: float) -> None:
        self._errors_s[spec.is_pilot].append(elapsed_s - self._estimates_s[self._todo.index(spec)])

    def left_s(self, done: int) -> float:
        mean_error_s = {kind: sum(errors) / len(errors) if errors else 0.0 for kind, errors in self._errors_s.items()}
        left = zip(self._todo[done:], self._estimates_s[done:], strict=True)
        return sum(max(0.0, seconds + mean_error_s[spec.is_pilot]) for spec, seconds in left)
