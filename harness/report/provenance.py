"""Where the figures come from: the boots with their raw files, the machine, the profile."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from harness.analysis.evidence import Analysis
from harness.judging.figures import SliceFigures
from harness.judging.time_spent import time_spent_s
from harness.report import wording
from harness.report.standing import SliceStanding, capacity_of, measured_slices, standing
from harness.results.records.boot_record import BootRecord
from harness.results.records.finding import Finding
from harness.results.records.machine_record import Environment, Partition
from harness.results.records.profile import RatePhase
from harness.results.records.run_record import RunRecord
from harness.results.records.text import count
from harness.results.store import BootFolder, Run

GIB = 1024**3


@dataclass(frozen=True)
class Link:
    name: str
    href: str


@dataclass(frozen=True)
class BootRow:
    variant: str
    number: int
    session: int
    slices: str
    ended: str
    lived: str
    findings: tuple[str, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True)
class SliceRow:
    """A slice that does not count."""

    id: str
    round: str
    boot: int
    standing: SliceStanding
    error: str
    elapsed: str
    capacity: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Fact:
    name: str
    value: str


def doubtful_rows(analysis: Analysis) -> tuple[SliceRow, ...]:
    """Every slice that does not count, in the order of the analysis."""
    return tuple(_slice_row(slice) for slice in analysis.slices if standing(slice) != "valid")


def _slice_row(slice: SliceFigures) -> SliceRow:
    record = slice.record
    rps = capacity_of(slice)
    return SliceRow(
        id=record.spec.id,
        round="pilot" if record.spec.is_pilot else str(record.spec.round),
        boot=record.boot,
        standing=standing(slice),
        error="" if any(record.error in finding.message for finding in slice.findings) else record.error,
        elapsed=wording.seconds(record.elapsed_s),
        capacity=f"{wording.number(rps)} requests/s" if rps is not None else "",
        findings=slice.findings,
    )


def boot_rows(run: Run, analysis: Analysis, workload: str) -> tuple[BootRow, ...]:
    """The boots of a workload, by variant, oldest first."""
    return tuple(_boot_row(run, analysis, boot) for boot in analysis.boots if boot.workload == workload)


def _boot_row(run: Run, analysis: Analysis, boot: BootRecord) -> BootRow:
    slices = [
        slice
        for slice in analysis.slices
        if (slice.record.spec.workload, slice.record.spec.variant, slice.record.boot)
        == (boot.workload, boot.variant, boot.number)
    ]
    out = sum(standing(slice) != "valid" for slice in slices)
    folder = BootFolder(run.boots_of(boot.workload, boot.variant) / str(boot.number))
    return BootRow(
        variant=boot.variant,
        number=boot.number,
        session=boot.session,
        slices=count(len(slices), "slice") + (f", {out} not valid" if out else ""),
        ended=boot.error or boot.ended or "the harness was ended before it",
        lived=wording.seconds(boot.lived_s),
        findings=tuple(_findings(slices)),
        links=_links(run, folder),
    )


def _findings(slices: Sequence[SliceFigures]) -> Iterator[str]:
    """By code, with the first slice's words."""
    by_code: dict[str, list[str]] = {}
    for slice in slices:
        for finding in slice.findings:
            by_code.setdefault(finding.code, []).append(f"{finding.message} ({finding.advice})")
    for code, said in by_code.items():
        often = f" [{len(said)} slices]" if len(said) > 1 else ""
        yield f"{code}{often}: {said[0]}"


def _links(run: Run, folder: BootFolder) -> tuple[Link, ...]:
    """The raw files of a boot, relative to the report."""
    path = folder.path.relative_to(run.path).as_posix()
    return (Link("folder", f"{_url(path)}/"), *(Link(name, f"{_url(path)}/{_url(name)}") for name in folder.files()))


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
        Fact("Other Pythons", _other_pythons(run)),
        Fact("CPU partition", partition_line(environment.partition)),
        Fact("CPU governor", environment.cpu_governor),
        Fact("Not started for the run", ", ".join(run.own_services)),
        Fact("Git commit", commit),
        Fact("Started", when(run.created_epoch_s)),
        Fact("Took", _took(analysis)),
        Fact("Sampler's cost", _sampler(analysis)),
        Fact("Beside the slices", _overhead(analysis)),
        Fact("Noise", _noise(analysis)),
        *(Fact("Note", note) for note in environment.notes),
    ]
    return tuple(fact for fact in facts if fact.value)


def _other_pythons(run: RunRecord) -> str:
    """Each in an environment of its own, with the same versions of what targets import."""
    return ", ".join(dict.fromkeys(f"Python {variant.python}" for variant in run.variants if variant.python))


def _took(analysis: Analysis) -> str:
    """All sessions together; the pause before a --resume is not counted."""
    estimate = f"estimated {wording.seconds(analysis.run.estimate_s)}"
    if analysis.run.finished_epoch_s is None:
        return f"not finished; {estimate}"
    return f"{wording.seconds(time_spent_s(analysis.boots))}; {estimate}"


def _sampler(analysis: Analysis) -> str:
    measured_s = sum(slice.record.elapsed_s for slice in analysis.slices)
    used_s = sum(boot.sampler_cpu_s for boot in analysis.boots)
    return f"{wording.percent(used_s / measured_s)} of one core, over all slices" if measured_s else ""


def _overhead(analysis: Analysis) -> str:
    """Where the time went in which nothing was measured. Servers boot and stop side by side, so their times overlap."""
    sums: dict[str, float] = {}
    for boot in analysis.boots:
        for name, cost_s in boot.overhead_s.items():
            sums[name] = sums.get(name, 0.0) + cost_s
    return ", ".join(f"{name} {wording.seconds(sums[name])}" for name in sorted(sums))


def _noise(analysis: Analysis) -> str:
    noises = [slice.record.noise for slice in measured_slices(analysis) if slice.record.noise is not None]
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
        rate = f"{value.percent:g} %" if value.rps is None else f"{value.rps:g}/s"
        return f"{rate} for {value.duration_s:g} s"
    return f"{value:g}" if isinstance(value, float) else str(value)
