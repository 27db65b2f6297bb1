"""What one process tree used over one phase: CPU, memory, threads, context switches. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.results.records.phase_record import PhaseRecord
from harness.results.records.sample import Sample, TreeName


@dataclass(frozen=True)
class TreeUsage:
    """CPU in seconds over the phase and per second of it; maxima over its samples. None: not sampled.

    `cpu_until_drained_s` counts on from the phase's end until all that was open had ended, or was given up.
    `elapsed_s` and `until_drained_s` are the times that these two are of.
    """

    cpu_s: float | None = None
    elapsed_s: float = 0.0
    cpu_until_drained_s: float | None = None
    until_drained_s: float = 0.0
    cores: float | None = None
    rss_max_bytes: int | None = None
    pss_max_bytes: int | None = None
    threads_max: int | None = None
    processes_max: int | None = None
    ctx_voluntary: int | None = None
    ctx_involuntary: int | None = None


@dataclass(frozen=True)
class _Edge:
    """The cumulative counts at one edge of the phase."""

    t_s: float
    cpu_s: float
    ctx_voluntary: float | None
    ctx_involuntary: float | None


def services_usage(samples: Sequence[Sample], phase: PhaseRecord) -> dict[str, TreeUsage]:
    """Use of each service by its name."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.tree == "services":
            by_name.setdefault(sample.service, []).append(sample)
    return {name: tree_usage(own, "services", phase) for name, own in by_name.items()}


def tree_usage(samples: Sequence[Sample], tree: TreeName, phase: PhaseRecord) -> TreeUsage:
    """Use of `tree` between the phase's edges."""
    own = sorted((sample for sample in samples if sample.tree == tree), key=lambda sample: sample.t_s)
    start = _edge(own, f"{phase.spec.name}:start", phase.start_s)
    end = _edge(own, f"{phase.spec.name}:end", phase.end_s)
    if start is None or end is None or end.t_s <= start.t_s:
        return TreeUsage()
    drained = _edge(own, f"{phase.spec.name}:drained", phase.drained_s)
    if drained is not None and drained.t_s <= start.t_s:
        drained = None
    inside = [sample for sample in own if start.t_s <= sample.t_s <= end.t_s]
    cpu_s = end.cpu_s - start.cpu_s
    return TreeUsage(
        cpu_s=cpu_s,
        elapsed_s=end.t_s - start.t_s,
        cpu_until_drained_s=None if drained is None else drained.cpu_s - start.cpu_s,
        until_drained_s=0.0 if drained is None else drained.t_s - start.t_s,
        cores=cpu_s / (end.t_s - start.t_s),
        rss_max_bytes=_largest(sample.rss_bytes for sample in inside),
        pss_max_bytes=_largest(sample.pss_bytes for sample in inside),
        threads_max=_largest(sample.threads for sample in inside),
        processes_max=_largest(sample.processes for sample in inside),
        ctx_voluntary=_difference(start.ctx_voluntary, end.ctx_voluntary),
        ctx_involuntary=_difference(start.ctx_involuntary, end.ctx_involuntary),
    )


def _edge(own: Sequence[Sample], mark: str, t_s: float) -> _Edge | None:
    """The sample taken exactly at the edge, or one between its two neighbours; None where the samples do not reach."""
    for sample in own:
        if sample.mark == mark:
            return _Edge(sample.t_s, sample.cpu_s, sample.ctx_voluntary, sample.ctx_involuntary)
    after = bisect_left(own, t_s, key=lambda sample: sample.t_s)
    if after < len(own) and own[after].t_s == t_s:
        return _between(own[after], own[after], t_s)
    if not 0 < after < len(own):
        return None
    return _between(own[after - 1], own[after], t_s)


def _between(before: Sample, after: Sample, t_s: float) -> _Edge:
    share = (t_s - before.t_s) / (after.t_s - before.t_s) if after.t_s > before.t_s else 0.0

    def at(earlier: float | None, later: float | None) -> float | None:
        return None if earlier is None or later is None else earlier + share * (later - earlier)

    return _Edge(
        t_s,
        before.cpu_s + share * (after.cpu_s - before.cpu_s),
        at(before.ctx_voluntary, after.ctx_voluntary),
        at(before.ctx_involuntary, after.ctx_involuntary),
    )


def _difference(start: float | None, end: float | None) -> int | None:
    """None also where it fell: the kernel keeps the CPU time of a child that ended, but not its switches."""
    return None if start is None or end is None or end < start else round(end - start)


def _largest(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
