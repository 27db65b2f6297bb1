"""An `Analysis` made by hand, for the tests of what shows it: small, exact, and as strange as a test needs it.

`tests.synthetic_run` with `harness.analysis` gives what a real run gives. This can give what a real run never should.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.analysis.claims.claim_part import ClaimVerdict
from harness.analysis.evidence import Analysis, Cell, CellPhase, Claim, ClaimEvidence, Comparison, Decision
from harness.judging.estimate import Estimate
from harness.judging.figures import Ceiling, Percentile, PhaseFigures, SliceFigures
from harness.results.records.baseline import default_baseline
from harness.results.records.boot_record import BootRecord
from harness.results.records.finding import Finding
from harness.results.records.machine_record import Environment, Partition
from harness.results.records.noise_record import Noise
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.profile import Profile, RatePhase
from harness.results.records.run_record import RunRecord
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.slice_record import SliceRecord, SliceSpec
from harness.results.records.strategy import Strategy
from harness.results.records.variant import Variant
from harness.results.records.workload import Request, Workload

CAPACITY_RPS = 100.0
RATE_RPS = 30.0
MIB = 1024 * 1024
P99 = Percentile(134.0, False, 300, 130.0, 140.0)
VERDICTS: tuple[ClaimVerdict, ...] = ("confirmed", "refuted", "depends", "open", "not tested")


def run_record(
    strategies: Sequence[str] = ("sync_def", "pure_async"),
    workloads: Sequence[str] = ("io",),
    rounds: int = 3,
    text: str = "a text",
    partition: Partition | None = None,
) -> RunRecord:
    """`text` is used wherever a person or a file chooses the words."""
    return RunRecord(
        schema_version=SCHEMA_VERSION,
        id=text,
        created_epoch_s=1_735_689_600.0,
        command=f"bench run --profile {text}",
        profile=Profile(
            title=text,
            workloads=tuple(workloads),
            rounds=rounds,
            users=64,
            warmup_s=1.0,
            capacity_s=4.0,
            rates=(RatePhase(30.0, 4.0),),
            pilot_warmup_s=1.0,
            pilot_capacity_s=2.0,
            max_in_flight=256,
            drain_s=2.0,
            request_timeout_s=10.0,
            health_rate_rps=5.0,
            ready_s=20.0,
            shutdown_s=5.0,
            quiet_s=5.0,
            name=text,
        ),
        strategies=tuple(
            Strategy(name, text, text, text, params={text: text}, routes=(f"/{name}",)) for name in strategies
        ),
        variants=tuple(
            Variant(name=name, strategy=name, title=text, path=text, params={text: text}) for name in strategies
        ),
        workloads=tuple(
            Workload(name, text, text, text, requests=(Request(f"/{name}", 1),), wait_ms=100.0, calls=1)
            for name in workloads
        ),
        baseline=default_baseline(strategies),
        instrument="abc",
        preflight=(),
        plan=tuple(
            SliceSpec(round, place, workload, variant)
            for round in range(1, rounds + 1)
            for workload in workloads
            for place, variant in enumerate(strategies)
        ),
        environment=Environment(
            system=text,
            kernel=text,
            machine="x86_64",
            cpu_model=text,
            logical_cpus=8,
            memory_bytes=16 * 1024 * MIB,
            python=text,
            packages={text: text},
            partition=partition or Partition(tuple(range(8)), (2, 3, 4, 5, 6, 7), (0, 1), None, True),
            hypervisor=text,
            cpu_governor=text,
            git_commit=text,
            git_dirty=True,
            notes=(text,),
        ),
        estimate_s=100.0,
        rates_rps={workload: {"rate-30": RATE_RPS} for workload in workloads},
        finished_epoch_s=1_735_690_200.0,
    )


def phase_record(name: str = "capacity", kind: PhaseKind = PhaseKind.CAPACITY) -> PhaseRecord:
    return PhaseRecord(
        spec=PhaseSpec(name, kind, 4.0, 64, rate_rps=RATE_RPS if kind is PhaseKind.RATE else None),
        status=PhaseStatus.COMPLETE,
        start_s=2.0,
        end_s=6.0,
        drained_s=6.5,
        scheduled=400,
        outcomes={Outcome.OK: 400},
        ok_in_window=400,
        health_scheduled=20,
        health_outcomes={Outcome.OK: 20},
    )


def slice(
    spec: SliceSpec,
    *,
    findings: tuple[Finding, ...] = (),
    error: str = "",
    steal_percent: float | None = 1.0,
    boot: int = 1,
) -> SliceFigures:
    records = () if error else (phase_record(), phase_record("rate-30", PhaseKind.RATE))
    return SliceFigures(
        record=SliceRecord(
            spec=spec,
            boot=boot,
            status="failed" if error else "complete",
            error=error,
            elapsed_s=12.0,
            phases=records,
            noise=Noise(steal_percent, 0.5, 100.0),
        ),
        folder=f"boots/{spec.workload}-{spec.variant}/{boot}",
        phases={record.spec.name: _phase_figures(record, CAPACITY_RPS + spec.round) for record in records},
        findings=findings,
        valid=not error and not any(finding.level == "invalid" for finding in findings),
    )


def boot(variant: str, workload: str, slices: Sequence[SliceFigures], ended: str = "stopped") -> BootRecord:
    """The first boot of a cell, with those of `slices` that are of it."""
    own = [
        figures.record
        for figures in slices
        if (figures.record.spec.variant, figures.record.spec.workload) == (variant, workload)
    ]
    return BootRecord(
        schema_version=SCHEMA_VERSION,
        workload=workload,
        variant=variant,
        number=1,
        session=1,
        started_epoch_s=1_735_689_600.0,
        origin_monotonic_s=1.0,
        ended=ended,
        lived_s=40.0,
        overhead_s={"boot": 1.0},
        sampler_cpu_s=0.1,
        sampler_wall_s=30.0,
        slices=tuple(own),
    )


def _phase_figures(record: PhaseRecord, goodput_rps: float) -> PhaseFigures:
    return PhaseFigures(
        name=record.spec.name,
        kind=record.spec.kind,
        status=record.status,
        reason="",
        duration_s=4.0,
        offered_rps=record.spec.rate_rps,
        goodput_rps=goodput_rps,
        scheduled=record.scheduled,
        outcomes=record.outcomes,
        censored=0,
        loop_lag_p99_ms=1.5,
    )


def cell_phase(
    name: str = "capacity",
    *,
    goodput_rps: float | None = 100.0,
    statuses: Mapping[PhaseStatus, int] | None = None,
    response_p99: Percentile | None = P99,
    outcomes: Mapping[Outcome, int] | None = None,
    slices: int = 3,
    overloaded: int = 0,
) -> CellPhase:
    kind = PhaseKind.CAPACITY if name == "capacity" else PhaseKind.RATE
    return CellPhase(
        name=name,
        kind=kind,
        offered_rps=RATE_RPS if kind is PhaseKind.RATE else None,
        statuses=dict(statuses if statuses is not None else {PhaseStatus.COMPLETE: slices}),
        overloaded=overloaded,
        goodput_rps=None if goodput_rps is None else estimate(goodput_rps, slices),
        response_p50=response_p99 and Percentile(101.0, False, 300, 100.0, 102.0),
        response_p90=response_p99 and Percentile(110.0, False, 300, 105.0, 115.0),
        response_p99=response_p99,
        health_p50=Percentile(2.0, False, 300, 1.9, 2.2),
        health_p99=Percentile(9.0, False, 300, 8.0, 11.0),
        outcomes=dict(outcomes if outcomes is not None else {Outcome.OK: 400 * slices}),
        loop_lag_p99_ms=1.5,
        target_cpu_s_per_1000=estimate(2.4, slices),
        target_cores=estimate(0.9, slices),
        target_pss_max_bytes=80 * MIB,
        target_rss_max_bytes=100 * MIB,
        target_threads_max=44,
        limiter_waiting_max=12,
    )


def estimate(value: float, slices: int = 3) -> Estimate:
    return Estimate(value, 0.9 * value, 1.1 * value, slices) if slices > 1 else Estimate(value, None, None, slices)


def cell(variant: str, workload: str, *, slices: int = 3, because: str = "40 in flight / 0.1 s") -> Cell:
    return Cell(
        variant=variant,
        workload=workload,
        status="measured",
        slices=slices,
        valid_slices=slices,
        capacity=estimate(CAPACITY_RPS, slices),
        idle_cores=0.03,
        ceiling=Ceiling(1.2 * CAPACITY_RPS, because),
        phases={
            "capacity": cell_phase(slices=slices),
            "rate-30": cell_phase("rate-30", goodput_rps=CAPACITY_RPS, slices=slices),
        },
    )


def analysis(
    strategies: Sequence[str] = ("sync_def", "pure_async"),
    workloads: Sequence[str] = ("io",),
    rounds: int = 3,
    text: str = "a text",
) -> Analysis:
    """All is well: every slice valid, every strategy like the others; `text` as in `run_record`."""
    run = run_record(strategies, workloads, rounds, text)
    compared = [
        Comparison(
            workload=workload,
            variant=variant,
            baseline=strategies[0],
            metric="capacity_rps",
            ratio=estimate(1.0, rounds),
            verdict="open",
            more_rounds=7,
        )
        for workload in workloads
        for variant in strategies[1:]
    ]
    remark = Finding(text, "info", text, text)
    slices = tuple(slice(spec, findings=(remark,)) for spec in run.plan)
    return Analysis(
        run=run,
        boots=tuple(boot(variant, workload, slices) for workload in workloads for variant in strategies),
        slices=slices,
        cells=tuple(
            cell(variant, workload, slices=rounds, because=text) for workload in workloads for variant in strategies
        ),
        comparisons=tuple(compared),
        claims=tuple(
            Claim(
                id=f"{text}-{verdict}",
                claim=text,
                verdict=verdict,
                effect=None if verdict == "not tested" else estimate(2.0, rounds),
                because=text,
                evidence=()
                if verdict == "not tested"
                else (
                    ClaimEvidence(
                        what=text,
                        shows="for",
                        effect=None,
                        counted=text,
                        workload=workloads[0],
                        rounds=(1, 2, 3),
                        slices=(text,),
                    ),
                ),
                command=text,
            )
            for verdict in VERDICTS
        ),
        decisions=tuple(
            Decision(
                workload=workload,
                best=strategies[-1],
                tied=tuple(strategies[:-1]),
                capacity=estimate(CAPACITY_RPS, rounds),
                gain=next((made for made in compared if made.workload == workload), None),
                why=text,
            )
            for workload in workloads
        ),
    )
