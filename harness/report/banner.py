"""What a reader must know before believing anything on the page: each line says what happened and what would help."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from harness.analysis.evidence import Analysis, Cell
from harness.analysis.net_costs import IDLE_UNKNOWN
from harness.analysis.slices import counting
from harness.judging.figures import SliceFigures
from harness.judging.machine_noise import STEAL_INFO_PERCENT
from harness.report import wording
from harness.report.standing import measured_slices, standing
from harness.results.records.text import count

ENOUGH_ROUNDS = 3
NAMED = 6
# Findings that leave a slice's figures true, and that whoever runs the app must know of.
_FAULTS = {"busy_while_idle": "Busy while nobody asks", "memory_grows": "Memory that grows with the requests"}


def warnings(analysis: Analysis) -> tuple[str, ...]:
    """One line each, the most serious first."""
    return tuple(_warnings(analysis))


def _warnings(analysis: Analysis) -> Iterator[str]:
    run, slices = analysis.run, measured_slices(analysis)
    ran = {slice.record.spec.id for slice in slices}
    missing = [spec for spec in run.plan if not spec.is_pilot and spec.id not in ran]
    if run.finished_epoch_s is None or missing:
        what = "The run was interrupted" if run.finished_epoch_s is None else "The run is not complete"
        yield f"{what}: {count(len(missing), 'planned slice')} missing. Finish it with --resume."
    for line in analysis.broken:
        yield f"A record could not be read and is left out: {line}"
    unfit = [f"{cell.variant} on {cell.workload}" for cell in analysis.cells if cell.status == "failed"]
    if unfit:
        yield f"No slice got through of {_named(unfit)}. The reasons are listed with the workload."
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
            "no_answer under Slices."
        )
    yield from _few_rounds(analysis)
    yield from _costs_beside_the_load(analysis)
    yield from _unknown_idle(analysis)
    yield from _without_cost(slices)
    doubtful = [slice for slice in slices if standing(slice) == "invalid"]
    if doubtful:
        yield (
            f"{len(doubtful)} of {count(len(slices), 'slice')} cannot be trusted and "
            f"{'counts' if len(doubtful) == 1 else 'count'} nowhere; the findings are listed under Slices."
        )
    failed = [slice for slice in slices if standing(slice) == "failed"]
    if failed:
        yield f"{len(failed)} of {count(len(slices), 'slice')} failed; see Slices."
    steal = [slice.record.noise.steal_percent for slice in slices if slice.record.noise is not None]
    known = [percent for percent in steal if percent is not None]
    if known and max(known) > STEAL_INFO_PERCENT:
        yield (
            f"A noisy machine: other tenants took up to {wording.number(max(known))} % of the CPU time "
            f"(median slice {wording.number(statistics.median(known))} %). It disturbs ratios within a round less "
            "than absolute figures."
        )
    yield from _disturbed(analysis)
    for name in run.own_services:
        used = [workload.name for workload in run.workloads if name in workload.services]
        yield (
            f"The {name} of {', '.join(used)} was somebody's own, and its CPU use is not known: nothing here shows "
            "that it was not the bottleneck."
        )
    partition = run.environment.partition
    if not partition.generator:
        yield (
            f"Target, load generator and services share {count(len(partition.available), 'CPU')}: absolute "
            "figures are lower than on a machine of its own. With 4 or more CPUs they are kept apart."
        )
    elif not partition.pinned:
        yield "Processes could not be pinned to their CPUs on this platform; they may have disturbed each other."


def _without_cost(slices: Sequence[SliceFigures]) -> Iterator[str]:
    lacking = [slice for slice in slices if any(finding.code == "cost_unknown" for finding in slice.findings)]
    if lacking:
        yield (
            f"{len(lacking)} of {count(len(slices), 'slice')} without CPU-seconds per request; see cost_unknown under "
            "Slices."
        )


def _disturbed(analysis: Analysis) -> Iterator[str]:
    """Of the slices that count."""
    slices = [slice for slice in counting(analysis.slices) if slice.valid]
    said = [
        f"{many} {what}"
        for code, what in (
            ("not_quiet", "began while others still used the machine"),
            ("throttled", "had to wait for a control group's CPU quota"),
        )
        if (many := sum(any(finding.code == code for finding in slice.findings) for slice in slices))
    ]
    if said:
        yield (
            f"A disturbed machine: of {count(len(slices), 'valid slice')} {' and '.join(said)}; their findings "
            "under Slices say what would help."
        )


def _costs_beside_the_load(analysis: Analysis) -> Iterator[str]:
    for code, what in _FAULTS.items():
        cells = _found(analysis, code)
        if cells:
            yield f"{what}: {_named(cells)}. The findings under Slices say how much, and what to do."


def _found(analysis: Analysis, code: str) -> list[str]:
    """The variants on workloads with such a finding in a slice that counts."""
    cells = dict.fromkeys(
        f"{slice.record.spec.variant} on {slice.record.spec.workload}"
        for slice in counting(analysis.slices)
        if any(finding.code == code for finding in slice.findings)
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


def _few_rounds(analysis: Analysis) -> Iterator[str]:
    measured_cells = [cell for cell in analysis.cells if cell.status == "measured" and not cell.without_answer]
    thin = [cell for cell in measured_cells if _rounds(cell) < ENOUGH_ROUNDS]
    if not thin:
        return
    advice = f"Intervals from so few rounds are wide or missing; {ENOUGH_ROUNDS} or more (--rounds) narrow them."
    if len(thin) == len(measured_cells):
        most = max(map(_rounds, thin))
        yield f"Fewer than {ENOUGH_ROUNDS} valid rounds: at most {most} for each variant. {advice}"
    else:
        named = _named([f"{cell.variant} on {cell.workload} ({_rounds(cell)})" for cell in thin])
        yield f"Fewer than {ENOUGH_ROUNDS} valid rounds for {named}. {advice}"


def _rounds(cell: Cell) -> int:
    """In which it has a capacity."""
    return cell.capacity.slices if cell.capacity is not None else 0


def _named(names: Sequence[str]) -> str:
    """The first few of a list."""
    more = len(names) - NAMED
    return f"{', '.join(names[:NAMED])}{f' and {more} more' if more > 0 else ''}"
