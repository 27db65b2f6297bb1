"""How many arrivals a second the open loops of a workload get, from what its pilot trials found."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import msgspec

from harness import plan
from harness.measuring.retries import invalid_trials
from harness.results.records.phase_record import PhaseKind
from harness.results.records.run_record import RunRecord
from harness.results.records.trial_record import TrialRecord, TrialSpec
from harness.results.store import Run, StoreError


def with_rates(run: Run, record: RunRecord, spec: TrialSpec) -> RunRecord:
    """Before a workload's first measured trial: its arrival rates, from the best capacity its pilot trials found.

    Only valid pilots count, as long as there is one: a strategy that answers wrongly must not set the others' rates.
    """
    if spec.is_pilot or spec.workload in record.rates_rps:
        return record
    pilots = [s for s in record.plan if s.is_pilot and s.workload == spec.workload]
    invalid = invalid_trials(run, pilots)
    best_rps = _best_rps(run, [s for s in pilots if s.id not in invalid]) or _best_rps(run, pilots)
    rates = plan.rates_rps(best_rps, record.profile) if best_rps else {}
    record = msgspec.structs.replace(record, rates_rps={**record.rates_rps, spec.workload: rates})
    run.write(record)
    return record


def _best_rps(run: Run, pilots: Sequence[TrialSpec]) -> float:
    best_rps = 0.0
    for pilot in pilots:
        for attempt in run.attempts(pilot):
            if attempt.is_complete:
                with contextlib.suppress(StoreError):  # cut off: it has been measured again
                    best_rps = max([best_rps, *_goodputs_rps(attempt.read())])
    return best_rps


def _goodputs_rps(trial: TrialRecord) -> list[float]:
    return [
        phase.ok_in_window / (phase.end_s - phase.start_s)
        for phase in trial.phases
        if phase.spec.kind is PhaseKind.CAPACITY and phase.end_s > phase.start_s
    ]
