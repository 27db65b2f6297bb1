"""Why a variant is as fast as it is on a workload: one sentence from the strongest evidence, or none. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from harness.analysis.evidence import Cell, CellPhase
from harness.analysis.slices import counting
from harness.judging.ceilings import cpu_ceiling
from harness.judging.figures import SliceFigures
from harness.results.records.phase_record import PhaseKind
from harness.results.records.text import count

CORES_USED_UP = 0.85  # of the target's; beyond it CPU is what runs out
ONE_CORE = 1.15  # with the little that other threads do while one holds the GIL
BLOCKED_SHARE = 0.5  # of the time
SERVER_AND_SUPERVISOR = 2  # processes
WAITING_SHARE = 0.1  # of the users: fewer wait for a moment
POOL_SHARE = 0.25  # of the response time
AT_CEILING = 0.9


def cause(cell: Cell, slices: Iterable[SliceFigures], *, target_cores: int, users: int) -> str:
    """`slices` are all of the run's; only the cell's closed loops, of so many users, are looked at. Empty without
    evidence.

    The order is that of cause and effect. A loop that cannot run explains threads that are not asked for; an upstream
    at its limit explains both.
    """
    own = [
        slice
        for slice in slices
        if (slice.record.spec.variant, slice.record.spec.workload) == (cell.variant, cell.workload)
    ]
    measured = [slice for slice in own if not slice.record.spec.is_pilot]
    codes = _usual_codes(measured)
    phase = next((phase for phase in cell.phases.values() if phase.kind is PhaseKind.CAPACITY), None)
    found = (
        _stuck(cell, measured),
        _upstream(codes),
        _loop(phase),
        _pool(phase, users),
        _threads(phase, users),
        _cpu(phase, target_cores),
        _one_core(phase, measured, target_cores),
        _ceiling(cell),
        _workers(codes),
        "it uses CPU while nobody asks" if "busy_while_idle" in codes else "",
        "its memory grows with the requests" if "memory_grows" in codes else "",
    )
    sentence = next(filter(None, found), "")
    return f"{cell.variant}: {sentence}." if sentence else ""


def _usual_codes(measured: Iterable[SliceFigures]) -> set[str]:
    """What was found in more than half of the slices that count: one that was left out explains nothing."""
    slices = counting(measured)
    met = Counter(code for slice in slices for code in {finding.code for finding in slice.findings})
    return {code for code, many in met.items() if 2 * many > len(slices)}


def _stuck(cell: Cell, slices: Iterable[SliceFigures]) -> str:
    """Threads that wait for each other and threads that wait for a slow service look the same from here, so neither is
    said."""
    if not cell.without_answer:
        return ""
    phases = [phase for slice in slices for phase in slice.phases.values()]
    waiting = max((phase.limiter_waiting_max or 0 for phase in phases), default=0)
    for_connection = max((phase.pool_waiting_max or 0 for phase in phases), default=0)
    said = f"no right answer in {count(cell.without_answer, 'slice')}"
    if waiting:
        said += f"; all of AnyIO's threads were taken and up to {count(waiting, 'request')} waited for one"
    if for_connection:
        said += f"; up to {count(for_connection, 'request')} waited for a database connection"
    return said


def _upstream(codes: set[str]) -> str:
    return "the service it calls was at its limit" if "service_busy" in codes else ""


def _loop(phase: CellPhase | None) -> str:
    share = phase.loop_blocked_share if phase is not None else None
    return f"its event loop could not run in {share:.0%} of the time" if share and share >= BLOCKED_SHARE else ""


def _pool(phase: CellPhase | None, users: int) -> str:
    """Before threads: a thread that waits for a connection is taken. The median, since a pool that is too small makes
    most requests wait, and not the odd one."""
    if phase is None or (phase.pool_waiting_max or 0) < WAITING_SHARE * users:
        return ""
    if phase.pool_wait_p50_ms is None or phase.response_p50 is None:
        return ""
    if phase.pool_wait_p50_ms < POOL_SHARE * phase.response_p50.value_ms:
        return ""
    waiting = count(phase.pool_waiting_max or 0, "request")
    lag = phase.loop_lag_p99_ms
    beside = "" if lag is None else f", while its event loop was at most {lag:.0f} ms late (p99)"
    return (
        f"its database connections were taken and up to {waiting} waited for one, {phase.pool_wait_p50_ms:.0f} ms in "
        f"the middle{beside}"
    )


def _threads(phase: CellPhase | None, users: int) -> str:
    if phase is None or (phase.limiter_waiting_max or 0) < WAITING_SHARE * users:
        return ""
    waiting = count(phase.limiter_waiting_max or 0, "request")
    return f"all of AnyIO's threads were taken and up to {waiting} waited for one"


def _cpu(phase: CellPhase | None, target_cores: int) -> str:
    if phase is None or phase.target_cores is None:
        return ""
    if phase.target_cores.value < CORES_USED_UP * target_cores:
        return ""
    used = f"its CPU was used up, {phase.target_cores.value:.1f} of {count(target_cores, 'core')}"
    if phase.target_cpu_s_per_1000 is None:
        return used
    return f"{used} ({cpu_ceiling(target_cores, phase.target_cpu_s_per_1000.value).because})"


def _one_core(phase: CellPhase | None, slices: Iterable[SliceFigures], target_cores: int) -> str:
    """Only where one process served: several together use a core by chance."""
    processes = max((p.target_processes_max or 0 for slice in slices for p in slice.phases.values()), default=0)
    if phase is None or phase.target_cores is None or processes not in (1, SERVER_AND_SUPERVISOR):
        return ""
    if not CORES_USED_UP <= phase.target_cores.value <= ONE_CORE:
        return ""
    return f"it used up one core of {target_cores}, which is all that one Python process computes on at a time"


def _ceiling(cell: Cell) -> str:
    if cell.capacity is None or cell.ceiling is None or cell.capacity.value < AT_CEILING * cell.ceiling.rps:
        return ""
    # A short phase can catch more answers than its share: what was in flight before it ends in it.
    share = min(1.0, cell.capacity.value / cell.ceiling.rps)
    return f"it reached {share:.0%} of its ceiling of {cell.ceiling.rps:.0f}/s ({cell.ceiling.because})"


def _workers(codes: set[str]) -> str:
    return "one of its workers had far more than its share of the requests" if "uneven_workers" in codes else ""
