"""Where the figures come from: the trials with their raw files, the machine, the profile."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from harness.analysis.evidence import Analysis
from harness.judging.figures import TrialFigures
from harness.report import wording
from harness.report.standing import TrialStanding, capacity_of, measured_trials, standing
from harness.results.records.finding import Finding
from harness.results.records.machine_record import Environment, Partition
from harness.results.records.profile import RatePhase
from harness.results.records.run_record import RunRecord
from harness.results.records.text import count
from harness.results.store import Attempt, Run

GIB = 1024**3


@dataclass(frozen=True)
class Link:
    name: str
    href: str


@dataclass(frozen=True)
class TrialRow:
    id: str
    block: str
    attempt: int
    workload: str
    variant: str
    standing: TrialStanding
    error: str
    elapsed: str
    capacity: str
    findings: tuple[Finding, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Fact:
    name: str
    value: str


def trial_rows(run: Run, analysis: Analysis) -> tuple[TrialRow, ...]:
    """Every attempt, the pilot's too, in the order of the analysis."""
    return tuple(_trial_row(run, trial) for trial in analysis.trials)


def _trial_row(run: Run, trial: TrialFigures) -> TrialRow:
    record = trial.record
    rps = capacity_of(trial)
    return TrialRow(
        id=record.spec.id,
        block="pilot" if record.spec.is_pilot else str(record.spec.block),
        attempt=record.attempt,
        workload=record.spec.workload,
        variant=record.spec.variant,
        standing=standing(trial),
        error="" if any(record.error in finding.message for finding in trial.findings) else record.error,
        elapsed=wording.seconds(record.elapsed_s),
        capacity=f"{wording.number(rps)} requests/s" if rps is not None else "",
        findings=trial.findings,
        links=_links(run, trial.folder),
    )


def _links(run: Run, folder: str) -> tuple[Link, ...]:
    """The raw files of an attempt, relative to the report."""
    names = Attempt(run.path / folder).files()
    return (Link("folder", f"{_url(folder)}/"), *(Link(name, f"{_url(folder)}/{_url(name)}") for name in names))


def _url(path: str) -> str:
    """A relative path as a URL; bytes that are not UTF-8 are kept as Python represents them (PEP 383)."""
    return quote(path, errors="surrogateescape")


def when(epoch_s: float) -> str:
    """UTC, so that a report is the same wherever it is made."""
    return f"{datetime.fromtimestamp(epoch_s, UTC):%Y-%m-%d %H:%M} UTC"


def machine_line(environment: Environment) -> str:
    """The machine in one line."""
    cores = count(environment.logical_cpus, "logical CPU")
    said = [
        f"{environment.cpu_model or environment.machine}, {cores}",
        f"{wording.number(environment.memory_bytes / GIB)} GiB",
        f"on {environment.hypervisor}" if environment.hypervisor else "",
        f"{environment.system} {environment.kernel}",
        environment.python if environment.python[:1].isalpha() else f"Python {environment.python}",
    ]
    return ", ".join(part for part in said if part)


def partition_line(partition: Partition) -> str:
    quota = f"; cgroup quota {partition.quota_cores:g} cores" if partition.quota_cores else ""
    if not partition.generator:
        return f"all share CPUs {_cpus(partition.available)}{quota}"
    how = "pinned" if partition.pinned else "not pinned"
    return f"target {_cpus(partition.target)}, generator and services {_cpus(partition.generator)}, {how}{quota}"


def _cpus(cpus: Sequence[int]) -> str:
    return ", ".join(map(str, cpus)) or "none"


def environment_facts(analysis: Analysis) -> tuple[Fact, ...]:
    run = analysis.run
    environment = run.environment
    commit = environment.git_commit[:12] + (" with uncommitted changes" if environment.git_dirty else "")
    facts = [
        Fact("Machine", machine_line(environment)),
        Fact("CPU partition", partition_line(environment.partition)),
        Fact("CPU governor", environment.cpu_governor),
        Fact("Git commit", commit),
        Fact("Started", when(run.created_epoch_s)),
        Fact("Took", _took(analysis)),
        Fact("Sampler's cost", _sampler(analysis)),
        Fact("Trials' fixed costs", _overhead(analysis)),
        Fact("Noise", _noise(analysis)),
        *(Fact("Note", note) for note in environment.notes),
    ]
    return tuple(fact for fact in facts if fact.value)


def _took(analysis: Analysis) -> str:
    """All attempts together; the pause before a --resume is not counted."""
    estimate = f"estimated {wording.seconds(analysis.run.estimate_s)}"
    if analysis.run.finished_epoch_s is None:
        return f"not finished; {estimate}"
    return f"{wording.seconds(sum(trial.record.elapsed_s for trial in analysis.trials))}; {estimate}"


def _sampler(analysis: Analysis) -> str:
    shares = [
        trial.record.sampler_cpu_s / trial.record.elapsed_s
        for trial in measured_trials(analysis)
        if trial.record.elapsed_s > 0
    ]
    if not shares:
        return ""
    middle, most = wording.percent(statistics.median(shares)), wording.percent(max(shares))
    return f"median trial {middle} of one core, largest {most}"


def _overhead(analysis: Analysis) -> str:
    """Where the time went in which nothing was measured."""
    sums: dict[str, float] = {}
    for trial in analysis.trials:
        for name, cost_s in trial.record.overhead_s.items():
            sums[name] = sums.get(name, 0.0) + cost_s
    return ", ".join(f"{name} {wording.seconds(sums[name])}" for name in sorted(sums))


def _noise(analysis: Analysis) -> str:
    noises = [trial.record.noise for trial in measured_trials(analysis) if trial.record.noise is not None]
    if not noises:
        return ""
    canaries = sorted(noise.canary_ms for noise in noises)
    said = [
        f"canary loop {wording.ms(canaries[0])} … {wording.ms(canaries[-1])}, "
        f"median {wording.ms(statistics.median(canaries))}"
    ]
    steal = [noise.steal_percent for noise in noises if noise.steal_percent is not None]
    said.append(f"steal time up to {wording.number(max(steal))} %" if steal else "steal time unknown here")
    return "; ".join(said)


def profile_facts(run: RunRecord) -> tuple[Fact, ...]:
    """Every parameter of the profile, by its own name."""
    values = msgspec.structs.asdict(run.profile)
    return tuple(Fact(name, _parameter(value)) for name, value in values.items())


def _parameter(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_parameter(item) for item in value) or wording.NOTHING
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_parameter(item)}" for name, item in value.items()) or wording.NOTHING
    if isinstance(value, RatePhase):
        return f"{value.percent:g} % for {value.duration_s:g} s"
    return f"{value:g}" if isinstance(value, float) else str(value)
