"""Slices and their figures, made with exactly the values a test of the analysis is about; everything else is plain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import numpy as np

from harness.analysis.cells import JudgedSlice, PhaseEvidence
from harness.judging.figures import PhaseFigures, SliceFigures
from harness.judging.percentiles import exact_latencies
from harness.results.histograms import Histogram
from harness.results.records.boot_record import BootRecord
from harness.results.records.finding import Finding
from harness.results.records.noise_record import Noise
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.slice_record import SliceRecord, SliceSpec

PHASE_S = 4.0
INVALID = Finding("made_up", "invalid", "a test says so", "none")


def phase(goodput_rps: float = 100.0, *, rate_rps: float | None = None, name: str = "", **changes: Any) -> PhaseFigures:
    """The capacity phase of a quiet slice, or with `rate_rps` an open loop that kept up; `changes` are fields of it."""
    ok = round(goodput_rps * PHASE_S)
    outcomes: dict[Outcome, int] = changes.pop("outcomes", {Outcome.OK: ok})
    scheduled = sum(outcomes.values())
    usual = PhaseFigures(
        name=name or ("capacity" if rate_rps is None else "rate-30"),
        kind=PhaseKind.CAPACITY if rate_rps is None else PhaseKind.RATE,
        status=PhaseStatus.COMPLETE,
        reason="",
        duration_s=PHASE_S,
        offered_rps=rate_rps,
        goodput_rps=goodput_rps,
        scheduled=scheduled,
        outcomes=outcomes,
        censored=0,
        recorded=scheduled,
        probe_lines=80,
        target_cpu_s=1.0,
        target_cores=0.25,
        generator_cores=0.2,
        services_cores=0.1,
        target_cpu_s_per_1000=2.0,
        requests_by_pid={4000: ok},
    )
    return msgspec.structs.replace(usual, **changes)


def slice(
    variant: str = "sync_def",
    round: int = 1,
    *phases: PhaseFigures,
    workload: str = "io",
    boot: int = 1,
    findings: tuple[Finding, ...] = (),
    **changes: Any,
) -> SliceFigures:
    """A complete slice, valid unless `findings` say otherwise; `changes` are fields of its record."""
    figures = phases or (phase(),)
    record = SliceRecord(
        spec=SliceSpec(round, 0, workload, variant),
        boot=boot,
        elapsed_s=10.0,
        phases=tuple(phase_record(each) for each in figures),
        noise=Noise(steal_percent=1.0, load_1m=0.5, canary_ms=100.0),
    )
    record = msgspec.structs.replace(record, **changes)
    return SliceFigures(
        record=record,
        folder=f"boots/{workload}-{variant}/{record.boot}",
        phases={each.name: each for each in figures},
        findings=findings,
        valid=record.status == "complete" and not any(finding.level == "invalid" for finding in findings),
    )


def boot(*slices: SliceRecord, **changes: Any) -> BootRecord:
    """A server that was stopped after `slices`, which are all of one cell; `changes` are fields of it."""
    spec = slices[0].spec if slices else SliceSpec(1, 0, "io", "sync_def")
    usual = BootRecord(
        schema_version=SCHEMA_VERSION,
        workload=spec.workload,
        variant=spec.variant,
        number=slices[0].boot if slices else 1,
        session=spec.session,
        started_epoch_s=0.0,
        origin_monotonic_s=1000.0,
        port=40001,
        boot_s=1.0,
        pids=(4000,),
        ended="stopped",
        lived_s=20.0,
        slices=slices,
    )
    return msgspec.structs.replace(usual, **changes)


def phase_record(figures: PhaseFigures, users: int = 64) -> PhaseRecord:
    return PhaseRecord(
        spec=PhaseSpec(figures.name, figures.kind, PHASE_S, users, rate_rps=figures.offered_rps),
        status=figures.status,
        start_s=2.0,
        end_s=2.0 + figures.duration_s,
        scheduled=figures.scheduled,
        outcomes=figures.outcomes,
        ok_in_window=round(figures.goodput_rps * figures.duration_s),
    )


def histogram(values_us: Iterable[int]) -> Histogram:
    values, counts = np.unique(np.array(list(values_us), np.int64), return_counts=True)
    return Histogram(values, counts.astype(np.int64))


def judged(
    figures: SliceFigures,
    responses_us: Mapping[str, Iterable[int]] | None = None,
    *,
    healths_us: Iterable[int] = (),
    lags_us: Iterable[int] = (),
) -> JudgedSlice:
    """A slice with the response times of its phases; the answer times of `/health` and the lags are of each phase."""
    times_us = responses_us or {}
    health, lags = exact_latencies(histogram(healths_us)), histogram(lags_us)
    return JudgedSlice(
        figures,
        {
            name: PhaseEvidence(
                response=exact_latencies(histogram(times_us.get(name, ()))),
                health=health,
                loop_lags=lags,
                pool_waits=histogram(()),
            )
            for name in figures.phases
        },
    )
