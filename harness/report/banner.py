"""What a reader must know before believing anything on the page: each line says what happened and what would help."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from harness.analysis.evidence import Analysis
from harness.analysis.net_costs import IDLE_UNKNOWN
from harness.analysis.trials import counting
from harness.judging.figures import TrialFigures
from harness.judging.machine_noise import STEAL_INFO_PERCENT
from harness.report import wording
from harness.report.standing import measured_trials, standing
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.text import count

ENOUGH_BLOCKS = 3
NAMED = 6
# Findings that leave a trial's figures true, and that whoever runs the app must know of.
_FAULTS = {"busy_while_idle": "Busy while nobody asks", "memory_grows": "Memory that grows with the requests"}


def warnings(analysis: Analysis) -> tuple[str, ...]:
    """One line each, the most serious first."""
    return tuple(_warnings(analysis))


def _warnings(analysis: Analysis) -> Iterator[str]:
    run, trials = analysis.run, measured_trials(analysis)
    ran = {trial.record.spec.id for trial in trials}
    missing = [spec for spec in run.plan if not spec.is_pilot and spec.id not in ran]
    if run.finished_epoch_s is None or missing:
        what = "The run was interrupted" if run.finished_epoch_s is None else "The run is not complete"
        yield f"{what}: {count(len(missing), 'planned trial')} missing. Finish it with --resume."
    for line in analysis.broken:
        yield f"A record could not be read and is left out: {line}"
    unfit = [f"{cell.variant} on {cell.workload}" for cell in analysis.cells if cell.status == "failed"]
    if unfit:
        yield f"No trial got through of {_named(unfit)}. The reasons are listed with the workload."
    nobody = {each.workload: each.reason for each in analysis.undecided if each.nobody_answered}
    for workload, reason in nobody.items():
        yield f"No decision for {workload}: {reason}."
    silent = [
        f"{cell.variant} on {cell.workload}"
        for cell in analysis.cells
        if cell.without_answer and cell.workload not in nobody
    ]
    if silent:
        yield (
            f"No right answer in a whole closed loop: {_named(silent)}. They are in no ranking and no comparison; see "
            "no_answer under Trials."
        )
    yield from _few_blocks(analysis)
    yield from _costs_beside_the_load(analysis)
    yield from _unknown_idle(analysis)
    yield from _older(trials)
    doubtful = [trial for trial in trials if standing(trial) == "invalid"]
    if doubtful:
        yield (
            f"{len(doubtful)} of {count(len(trials), 'trial')} cannot be trusted and "
            f"{'counts' if len(doubtful) == 1 else 'count'} nowhere; the findings are listed under Trials."
        )
    failed = [trial for trial in trials if standing(trial) == "failed"]
    if failed:
        yield f"{len(failed)} of {count(len(trials), 'trial')} failed; see Trials."
    steal = [trial.record.noise.steal_percent for trial in trials if trial.record.noise is not None]
    known = [percent for percent in steal if percent is not None]
    if known and max(known) > STEAL_INFO_PERCENT:
        yield (
            f"A noisy machine: other tenants took up to {wording.number(max(known))} % of the CPU time "
            f"(median trial {wording.number(statistics.median(known))} %). It disturbs ratios within a block less "
            "than absolute figures."
        )
    yield from _disturbed(analysis)
    partition = run.environment.partition
    if not partition.generator:
        yield (
            f"Target, load generator and services share {count(len(partition.available), 'CPU')}: absolute "
            "figures are lower than on a machine of its own. With 4 or more CPUs they are kept apart."
        )
    elif not partition.pinned:
        yield "Processes could not be pinned to their CPUs on this platform; they may have disturbed each other."


def _older(trials: Sequence[TrialFigures]) -> Iterator[str]:
    lacking = [trial for trial in trials if any(finding.code == "cost_unknown" for finding in trial.findings)]
    if lacking:
        older = any(trial.record.schema_version < SCHEMA_VERSION for trial in lacking)
        yield (
            f"{'Recorded by an older release: ' if older else ''}{len(lacking)} of {count(len(trials), 'trial')} "
            "without CPU-seconds per request at some rates; see cost_unknown under Trials."
        )


def _disturbed(analysis: Analysis) -> Iterator[str]:
    """Of the trials that count."""
    trials = [trial for trial in counting(analysis.trials) if trial.valid]
    said = [
        f"{many} {what}"
        for code, what in (
            ("not_quiet", "began while others still used the machine"),
            ("throttled", "had to wait for a control group's CPU quota"),
        )
        if (many := sum(any(finding.code == code for finding in trial.findings) for trial in trials))
    ]
    if said:
        yield (
            f"A disturbed machine: of {count(len(trials), 'valid trial')} {' and '.join(said)}; their findings "
            "under Trials say what would help."
        )


def _costs_beside_the_load(analysis: Analysis) -> Iterator[str]:
    for code, what in _FAULTS.items():
        cells = _found(analysis, code)
        if cells:
            yield f"{what}: {_named(cells)}. The findings under Trials say how much, and what to do."


def _found(analysis: Analysis, code: str) -> list[str]:
    """The variants on workloads with such a finding in a trial that counts."""
    cells = dict.fromkeys(
        f"{trial.record.spec.variant} on {trial.record.spec.workload}"
        for trial in counting(analysis.trials)
        if any(finding.code == code for finding in trial.findings)
    )
    return list(cells)


def _unknown_idle(analysis: Analysis) -> Iterator[str]:
    measured_cells = [cell for cell in analysis.cells if cell.status == "measured"]
    left_out = _found(analysis, IDLE_UNKNOWN)
    if left_out:
        yield (
            f"The CPU use while idle was not measured for {_named(left_out)}, and was for others: no CPU-seconds per "
            "request there, and no comparison of them."
        )
    names = [f"{cell.variant} on {cell.workload}" for cell in measured_cells if cell.idle_cores is None]
    unknown = [name for name in names if name not in left_out]
    if unknown:
        which = "any variant" if len(unknown) == len(measured_cells) else _named(unknown)
        yield (
            f"The CPU use while idle was not measured for {which}: CPU-seconds per 1,000 requests contain it there, "
            "and that of the checks of /health. At low rates that may be half of them."
        )


def _few_blocks(analysis: Analysis) -> Iterator[str]:
    measured_cells = [cell for cell in analysis.cells if cell.status == "measured" and not cell.without_answer]
    thin = [cell for cell in measured_cells if cell.valid_trials < ENOUGH_BLOCKS]
    if not thin:
        return
    advice = f"Intervals from so few blocks are wide or missing; {ENOUGH_BLOCKS} or more (--blocks) narrow them."
    if len(thin) == len(measured_cells):
        most = max(cell.valid_trials for cell in thin)
        yield f"Fewer than {ENOUGH_BLOCKS} valid blocks: at most {most} for each variant. {advice}"
    else:
        named = _named([f"{cell.variant} on {cell.workload} ({cell.valid_trials})" for cell in thin])
        yield f"Fewer than {ENOUGH_BLOCKS} valid blocks for {named}. {advice}"


def _named(names: Sequence[str]) -> str:
    """The first few of a list."""
    more = len(names) - NAMED
    return f"{', '.join(names[:NAMED])}{f' and {more} more' if more > 0 else ''}"
