"""CPU time per request is compared without the idle cost, or with it, but never one with the other. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from harness.analysis.cells import JudgedTrial
from harness.judging.context import info
from harness.judging.figures import TrialFigures
from harness.results.records.finding import Finding

IDLE_UNKNOWN = "idle_unknown"


def net_costs(trials: Sequence[JudgedTrial]) -> list[JudgedTrial]:
    """Where the idle cost of some variants is known on a workload, the others have no CPU time per request there: with
    the idle cost in it, it would look up to twice as large. Where none is known, all keep theirs."""
    net = {trial.figures.record.spec.workload for trial in trials if _is_net(trial.figures)}
    return [
        replace(trial, figures=_without_cost(trial.figures))
        if trial.figures.record.spec.workload in net and _is_gross(trial.figures)
        else trial
        for trial in trials
    ]


def _is_net(trial: TrialFigures) -> bool:
    return any(phase.target_idle_cores is not None for phase in trial.phases.values())


def _is_gross(trial: TrialFigures) -> bool:
    return not _is_net(trial) and any(phase.target_cpu_s_per_1000 is not None for phase in trial.phases.values())


def _without_cost(trial: TrialFigures) -> TrialFigures:
    phases = {name: msgspec.structs.replace(phase, target_cpu_s_per_1000=None) for name, phase in trial.phases.items()}
    return msgspec.structs.replace(trial, phases=phases, findings=(*trial.findings, _unknown(trial)))


def _unknown(trial: TrialFigures) -> Finding:
    return info(
        IDLE_UNKNOWN,
        f"the pilot did not measure what {trial.record.spec.variant} uses while idle, so there are no CPU-seconds per "
        f"request: those of the other variants on {trial.record.spec.workload} are without their idle use",
        "look at the pilot's trial for the reason, and measure again; all other figures are complete",
    )
