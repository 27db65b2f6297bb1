"""How many arrivals a second the open loops of a workload get, from what its pilot found."""

from __future__ import annotations

import msgspec

from harness import plan
from harness.judging.judge import Judgement, judge, median_canary_of
from harness.judging.validity import DISTURBANCES
from harness.results.raw_slice import read_raw_slices, recorded_boots
from harness.results.records.phase_record import PhaseKind, PhaseRecord
from harness.results.records.run_record import RunRecord
from harness.results.store import Run


def with_rates(run: Run, record: RunRecord, workload: str) -> RunRecord:
    """The record with the workload's arrival rates, from the best capacity that its pilot found, when they are not
    known yet. It is on disk then.

    Only valid slices count, as long as there is one, or else those that only the machine disturbed: a strategy that
    answers wrongly must not set the others' rates.
    """
    if workload in record.rates_rps:
        return record
    judged = _pilots(run, record, workload)
    best_rps = (
        _best_rps([one for one in judged if one.valid])
        or _best_rps([one for one in judged if _is_only_disturbed(one)])
        or _best_rps(judged)
    )
    rates = plan.rates_rps(best_rps, record.profile) if best_rps else {}
    record = msgspec.structs.replace(record, rates_rps={**record.rates_rps, workload: rates})
    run.write(record)
    return record


def _pilots(run: Run, record: RunRecord, workload: str) -> list[Judgement]:
    boots = [(folder, boot) for folder, boot in recorded_boots(run, record, []) if boot.workload == workload]
    canary_ms = median_canary_of(slice for _, boot in boots for slice in boot.slices)
    return [
        judge(record, raw, canary_ms)
        for folder, boot in boots
        for raw in read_raw_slices(run, folder, boot, [])
        if raw.record.spec.is_pilot
    ]


def _is_only_disturbed(judgement: Judgement) -> bool:
    return {finding.code for finding in judgement.findings if finding.level == "invalid"} <= DISTURBANCES


def _best_rps(judged: list[Judgement]) -> float:
    phases = [phase for one in judged for phase in one.context.record.phases]
    return max((_goodput_rps(phase) for phase in phases), default=0.0)


def _goodput_rps(phase: PhaseRecord) -> float:
    ran = phase.spec.kind is PhaseKind.CAPACITY and phase.end_s > phase.start_s
    return phase.ok_in_window / (phase.end_s - phase.start_s) if ran else 0.0
