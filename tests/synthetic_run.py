"""A run folder that looks measured, written through `harness.results.store`: what analysis and report tests read.

Nothing here is a measurement. Latencies are log-normal around what each strategy would cost, one machine-speed factor
a block makes blocks differ the way a shared machine does, and with `peculiar` the folder also holds what goes wrong in
real ones:

    two_stage x cpu                  not applicable
    pool_result_blocking x <first>   failed its preflight, with markup in the error
    fake_async x <first>             chokes at the lowest rate; the higher ones are skipped
    async_thread_pool x <first>      block 1: attempt 1 failed (markup in the error), attempt 2 complete;
                                     last block: only a failed attempt
    pure_async x <first>             block 2: invalid (wrong answers), never retried
    multi_worker                     two workers, two probe files
    sync_def x <last>                block 1: an attempt that was interrupted (no trial.json) before the complete one
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogWriter

from harness.catalog.variants import variant_of
from harness.results.records.baseline import default_baseline
from harness.results.records.machine_record import Environment, Partition
from harness.results.records.metric import Metric
from harness.results.records.noise_record import Noise
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.probe_line import ProbeLine
from harness.results.records.profile import Profile, RatePhase
from harness.results.records.run_record import Preflight, RunRecord
from harness.results.records.sample import Sample
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.strategy import ServerOptions, Strategy
from harness.results.records.trial_record import ServerRecord, TrialRecord, TrialSpec
from harness.results.records.workload import Request, Workload
from harness.results.store import Attempt, Run
from harness.serving.asgi_server import resolved

STRATEGIES = (
    "sync_def",
    "fake_async",
    "pure_async",
    "async_thread_pool",
    "pool_result_blocking",
    "multi_worker",
    "two_stage",
)
WORKLOADS = ("io", "cpu")
HOSTILE = "<script>alert('x')</script>"
USERS = 64
MIB = 1024 * 1024
TICKS_PER_PROBE_LINE = 5


@dataclass(frozen=True)
class Behaviour:
    """How a strategy would do on a workload: the numbers are drawn around these."""

    capacity_rps: float
    latency_ms: float
    cpu_ms: float
    loop_lag_ms: float = 1.0
    health_ms: float = 3.0
    limiter_waiting: int = 0


WAITING = {
    "sync_def": Behaviour(380.0, 105.0, 2.4, limiter_waiting=24),
    "fake_async": Behaviour(9.8, 101.0, 2.0, loop_lag_ms=102.0, health_ms=900.0),
    "pure_async": Behaviour(290.0, 180.0, 3.3, loop_lag_ms=9.0, health_ms=20.0),
    "async_thread_pool": Behaviour(395.0, 104.0, 2.3),
    "pool_result_blocking": Behaviour(9.7, 102.0, 2.2, loop_lag_ms=101.0, health_ms=950.0),
    "multi_worker": Behaviour(520.0, 103.0, 2.6, limiter_waiting=4),
    "two_stage": Behaviour(300.0, 150.0, 3.2),
}
COMPUTING = {
    "sync_def": Behaviour(110.0, 12.0, 9.0, loop_lag_ms=12.0, limiter_waiting=24),
    "fake_async": Behaviour(112.0, 9.5, 8.9, loop_lag_ms=15.0, health_ms=500.0),
    "pure_async": Behaviour(111.0, 9.4, 8.9, loop_lag_ms=15.0, health_ms=480.0),
    "async_thread_pool": Behaviour(109.0, 12.0, 9.1, loop_lag_ms=11.0),
    "pool_result_blocking": Behaviour(105.0, 10.0, 9.4, loop_lag_ms=14.0, health_ms=500.0),
    "multi_worker": Behaviour(205.0, 10.0, 9.1, loop_lag_ms=7.0),
    "two_stage": Behaviour(195.0, 10.0, 9.8),
}


def write_synthetic_run(
    path: Path,
    *,
    strategies: Sequence[str] = STRATEGIES,
    workloads: Sequence[str] = WORKLOADS,
    blocks: int = 3,
    seed: int = 1,
    phase_s: float = 4.0,
    rates_percent: Sequence[int] = (10, 30, 70),
    peculiar: bool = True,
) -> Run:
    """Write a complete run to `path` (which must not exist) and open it. The same arguments write the same bytes."""
    rng = np.random.default_rng(seed)
    run = Run.create(path)
    record = run_record(
        strategies,
        workloads,
        blocks=blocks,
        seed=seed,
        phase_s=phase_s,
        rates_percent=rates_percent,
        peculiar=peculiar,
    )
    block_speed = rng.lognormal(0.0, 0.15, blocks + 1)  # the machine's speed that block, common to its trials
    for index, spec in enumerate(record.plan):
        trial = _Trial(record, spec, index, rng, speed=float(block_speed[spec.block]), peculiar=peculiar)
        for attempt_kind in trial.attempts():
            trial.write(run.new_attempt(spec), attempt_kind)
    run.write(record)
    return Run.open(path)


def write_hlog(path: Path, intervals: Iterable[tuple[str, float, float, HdrHistogram]]) -> None:
    """`latency.hlog` as the generator writes it: `(tag, start_s, length_s, histogram in microseconds)` each."""
    text = io.StringIO()
    writer = HistogramLogWriter(text)
    writer.output_comment("[a synthetic trial]")
    writer.output_log_format_version()
    writer.output_legend()
    for tag, start_s, length_s, histogram in intervals:
        text.write(f"Tag={tag},")  # hdrh's writer has no tags, its reader has
        writer.output_interval_histogram(histogram, start_s, start_s + length_s, max_value_unit_ratio=1000.0)
    path.write_text(text.getvalue())


def histogram_of(values_us: Iterable[float]) -> HdrHistogram:
    """A histogram with the project's settings."""
    histogram = HdrHistogram(1, 60_000_000, 3)
    for value in values_us:
        assert histogram.record_value(max(1, int(value)))
    return histogram


def run_record(
    strategies: Sequence[str],
    workloads: Sequence[str],
    *,
    blocks: int,
    seed: int,
    phase_s: float,
    rates_percent: Sequence[int],
    peculiar: bool,
) -> RunRecord:
    rng = np.random.default_rng(seed + 1)
    preflight = tuple(
        _preflight(variant, workload, workloads, peculiar) for workload in workloads for variant in strategies
    )
    runnable = [(check.workload, check.variant) for check in preflight if check.status == "ok"]
    plan: list[TrialSpec] = []
    for block in range(blocks + 1):
        for workload in workloads:
            names = [variant for w, variant in runnable if w == workload]
            rng.shuffle(names)
            plan += [TrialSpec(block, position, workload, name) for position, name in enumerate(names)]
    best = {
        workload: max((behaviour(s, workload).capacity_rps for w, s in runnable if w == workload), default=1.0)
        for workload in workloads
    }
    return RunRecord(
        schema_version=SCHEMA_VERSION,
        id=f"20250101-000000-synthetic-{seed}",
        created_epoch_s=1_735_689_600.0,
        command="bench run --profile synthetic",
        profile=Profile(
            title="A synthetic run",
            workloads=tuple(workloads),
            blocks=blocks,
            users=USERS,
            warmup_s=1.0,
            capacity_s=phase_s,
            rates=tuple(RatePhase(float(percent), phase_s) for percent in rates_percent),
            pilot_warmup_s=1.0,
            pilot_capacity_s=2.0,
            max_in_flight=256,
            drain_s=2.0,
            request_timeout_s=10.0,
            health_rate_rps=5.0,
            ready_s=20.0,
            shutdown_s=5.0,
            quiet_s=5.0,
            seed=seed,
            name="synthetic",
        ),
        strategies=tuple(_strategy(name, peculiar) for name in strategies),
        variants=tuple(variant_of(_strategy(name, peculiar), cores=2) for name in strategies),
        workloads=tuple(_workload(name) for name in workloads),
        baseline=default_baseline(strategies),
        instrument="abc",
        preflight=preflight,
        plan=tuple(plan),
        environment=Environment(
            system="Linux",
            kernel="6.1.0",
            machine="x86_64",
            cpu_model="Synthetic CPU @ 3.00GHz",
            logical_cpus=2,
            memory_bytes=8 * 1024 * MIB,
            python="3.11.9",
            packages={"fastapi": "0.115.0", "uvicorn": "0.30.0", "locust": "2.47.0"},
            partition=Partition(available=(0, 1), target=(0, 1), generator=(), quota_cores=None, pinned=False),
            hypervisor="KVM",
            git_commit="0123456789abcdef",
            notes=("2 cores: target, generator and services share them",),
        ),
        estimate_s=100.0,
        rates_rps={
            workload: {f"rate-{percent}": best[workload] * percent / 100 for percent in rates_percent}
            for workload in workloads
        },
        finished_epoch_s=1_735_690_200.0,
    )


def behaviour(variant: str, workload: str) -> Behaviour:
    table = COMPUTING if workload == "cpu" else WAITING
    return table.get(variant, Behaviour(200.0, 120.0, 3.0))


def _preflight(variant: str, workload: str, workloads: Sequence[str], peculiar: bool) -> Preflight:
    if peculiar and (variant, workload) == ("two_stage", "cpu"):
        return Preflight(variant, workload, "not_applicable", f"{variant} defines no route /cpu")
    if peculiar and (variant, workload) == ("pool_result_blocking", workloads[0]):
        return Preflight(variant, workload, "failed", f"GET /{workload}: expected 42, got {HOSTILE!r}", boot_s=0.9)
    return Preflight(variant, workload, "ok", boot_s=0.9)


def _strategy(name: str, peculiar: bool) -> Strategy:
    title = {"sync_def": "Plain def on AnyIO's 40 threads", "pure_async": "async def, awaiting everything"}.get(
        name, name.replace("_", " ")
    )
    hostile = peculiar and name == "two_stage"
    return Strategy(
        name=name,
        title=f"Two stages {HOSTILE} & 'more'" if hostile else title,
        description=f"When to use {name}, and its trap.",
        path=f"targets/{name}.py",
        server=resolved(ServerOptions(workers="cores" if name == "multi_worker" else 1)),
        in_flight=_in_flight(name),
        routes=("/io", "/cpu", "/health"),
    )


def _in_flight(variant: str) -> int | None:
    return {"sync_def": 40, "multi_worker": 40, "fake_async": 1, "pool_result_blocking": 1}.get(variant)


def _workload(name: str) -> Workload:
    waits = name != "cpu"
    return Workload(
        name=name,
        title={"io": "One upstream call", "cpu": "Pure Python", "fanout": "Three calls"}.get(name, name),
        description=f"What a request of {name} does.",
        path=f"scenarios/{name}.py",
        requests=(Request(f"/{name}", {"answer": 42}),),
        wait_ms=100.0 if waits else 0.0,
        calls=(3 if name == "fanout" else 1) if waits else 0,
    )


class _Trial:
    """Writes the attempts at one trial."""

    def __init__(
        self, run: RunRecord, spec: TrialSpec, index: int, rng: np.random.Generator, *, speed: float, peculiar: bool
    ) -> None:
        self.run = run
        self.spec = spec
        self.rng = rng
        self.peculiar = peculiar
        self._ok_per_second: dict[str, tuple[int, ...]] = {}
        self.behaviour = behaviour(spec.variant, spec.workload)
        self.wait_ms = 0.0 if spec.workload == "cpu" else 100.0
        # A wait does not get longer on a slow machine; everything else does.
        self.speed = (1.0 if self.wait_ms else speed) * float(rng.lognormal(0.0, 0.03))
        self.origin_s = 50_000.0 + 40.0 * index
        self.pids = (4000 + 2 * index, 4001 + 2 * index) if spec.variant == "multi_worker" else (4000 + 2 * index,)

    def attempts(self) -> tuple[str, ...]:
        first, last = self.run.profile.workloads[0], self.run.profile.workloads[-1]
        key = (self.spec.variant, self.spec.workload, self.spec.block)
        if not self.peculiar:
            return ("complete",)
        if key == ("async_thread_pool", first, 1):
            return ("failed", "complete")
        if key == ("async_thread_pool", first, self.run.profile.blocks):
            return ("failed",)
        if key == ("pure_async", first, 2):
            return ("wrong_answers",)
        if key == ("sync_def", last, 1):
            return ("interrupted", "complete")
        return ("complete",)

    def write(self, attempt: Attempt, kind: str) -> None:
        if kind == "interrupted":
            attempt.samples_path.write_text('{"t_s":0.1,"tree":"target","cpu_s":0.')
            return
        if kind == "failed":
            attempt.write(self._record(attempt, (), error=f"exited with 1 while booting: {HOSTILE}"))
            return
        phases = self._phases(wrong=3 if kind == "wrong_answers" else 0)
        intervals = [interval for phase in phases for interval in self._intervals(phase)]
        write_hlog(attempt.latency_path, intervals)
        attempt.samples_path.write_bytes(msgspec.json.Encoder().encode_lines(self._samples(phases)))
        for pid, share in zip(self.pids, (1.0,) if len(self.pids) == 1 else (0.55, 0.45), strict=True):
            lines = msgspec.json.Encoder().encode_lines(self._probe_lines(phases, share))
            (attempt.probe_dir / f"{pid}.jsonl").write_bytes(lines)
        (attempt.path / "server.log").write_text(f"INFO: started {self.spec.variant}\n")
        attempt.write(self._record(attempt, phases))

    def _record(self, attempt: Attempt, phases: tuple[PhaseRecord, ...], error: str = "") -> TrialRecord:
        canary_ms = 105.0 + 4.0 * float(self.rng.random())
        return TrialRecord(
            schema_version=SCHEMA_VERSION,
            spec=self.spec,
            attempt=attempt.number,
            status="failed" if error else "complete",
            error=error,
            started_epoch_s=1_735_689_600.0 + self.origin_s - 50_000.0,
            origin_monotonic_s=self.origin_s,
            elapsed_s=max((phase.drained_s for phase in phases), default=0.0) + 1.5,
            phases=phases,
            servers=(ServerRecord(port=40001, boot_s=1.1, ready_at_s=1.2, pids=self.pids, ended="stopped"),),
            noise=Noise(steal_percent=1.5, load_1m=0.8, canary_ms=canary_ms, quiet_wait_s=0.2),
            overhead_s={"quiet": 0.2, "boot": 1.1, "verify": 0.1, "drain": 0.4, "stop": 0.2},
            sampler_cpu_s=0.05,
            sampler_wall_s=20.0,
        )

    def _phases(self, wrong: int) -> tuple[PhaseRecord, ...]:
        profile = self.run.profile
        warmup_s = profile.pilot_warmup_s if self.spec.is_pilot else profile.warmup_s
        capacity_s = profile.pilot_capacity_s if self.spec.is_pilot else profile.capacity_s
        specs = [
            PhaseSpec("warmup", PhaseKind.WARMUP, warmup_s, USERS),
            PhaseSpec("capacity", PhaseKind.CAPACITY, capacity_s, USERS),
        ]
        if not self.spec.is_pilot:
            specs += [
                PhaseSpec(name, PhaseKind.RATE, profile.rates[0].duration_s, profile.max_in_flight, rate_rps=rate)
                for name, rate in self.run.rates_rps[self.spec.workload].items()
            ]
        records: list[PhaseRecord] = []
        choked = False
        clock_s = 1.5
        for spec in specs:
            if choked:
                reason = f"{records[-1].spec.name} had choked"
                records.append(PhaseRecord(spec=spec, status=PhaseStatus.SKIPPED, reason=reason))
                continue
            record = self._phase(spec, clock_s, wrong if spec.kind is PhaseKind.CAPACITY else 0)
            choked = record.status is PhaseStatus.CHOKED
            clock_s = record.drained_s + 0.3
            records.append(record)
        return tuple(records)

    def _phase(self, spec: PhaseSpec, start_s: float, wrong: int) -> PhaseRecord:
        capacity_rps = self.behaviour.capacity_rps * self.speed
        offered_rps = spec.rate_rps if spec.rate_rps is not None else capacity_rps
        served_rps = min(offered_rps, capacity_rps)
        seconds = max(1, round(spec.duration_s))
        # The injected wait is a law: the analysis calls more answers than in_flight / wait impossible.
        in_flight = min(USERS, (_in_flight(self.spec.variant) or USERS) * len(self.pids))
        most = int(in_flight / (self.wait_ms / 1000)) if self.wait_ms else 10**9
        per_second = tuple(min(most, int(n)) for n in self.rng.poisson(served_rps, seconds))
        ok = sum(per_second)
        self._ok_per_second[spec.name] = per_second
        late = max(0, int(offered_rps * spec.duration_s) - ok) if spec.kind is PhaseKind.RATE else 0
        chokes = late > 0.2 * offered_rps * spec.duration_s
        late = late if chokes else 0
        not_sent = late // 4
        outcomes = {
            Outcome.OK: ok,
            Outcome.WRONG_ANSWER: wrong,
            Outcome.TIMEOUT: late - not_sent,
            Outcome.NOT_SENT: not_sent,
        }
        end_s = start_s + spec.duration_s
        health = max(1, int(spec.duration_s * self.run.profile.health_rate_rps))
        return PhaseRecord(
            spec=spec,
            status=PhaseStatus.CHOKED if chokes else PhaseStatus.COMPLETE,
            start_s=start_s,
            end_s=end_s,
            drained_s=end_s + (2.0 if chokes else 0.15),
            scheduled=sum(outcomes.values()),
            outcomes={outcome: count for outcome, count in outcomes.items() if count},
            censored=late - not_sent,
            ok_in_window=ok,
            health_scheduled=health,
            health_outcomes={Outcome.OK: health},
            min_service_ms=self.wait_ms + 0.9,
            reason="150 requests were still open after 2 s" if chokes else "",
        )

    def _intervals(self, phase: PhaseRecord) -> Iterable[tuple[str, float, float, HdrHistogram]]:
        name = phase.spec.name
        cost_ms = (self.behaviour.latency_ms - self.wait_ms) / self.speed
        closed_loop_ms = 1000.0 * USERS / (self.behaviour.capacity_rps * self.speed)
        for second, count in enumerate(self._ok_per_second.get(name, ())):
            start_s = phase.start_s + second
            spread = self.rng.lognormal(0.0, 0.25, count)
            service_ms = self.wait_ms + 0.9 + cost_ms * spread
            if phase.spec.kind is not PhaseKind.RATE:
                service_ms = np.maximum(service_ms, closed_loop_ms * self.rng.lognormal(0.0, 0.05, count))
            lag_ms = self.rng.exponential(0.15, count)
            for metric, values_ms in (
                (Metric.SERVICE, service_ms),
                (Metric.SEND_LAG, lag_ms),
                (Metric.RESPONSE, service_ms + lag_ms),
            ):
                if count:
                    yield f"{name}.ok.{metric.value}", start_s, 1.0, histogram_of(1000.0 * values_ms)
            health_ms = 0.8 + self.rng.exponential(self.behaviour.health_ms, int(self.run.profile.health_rate_rps))
            yield f"{name}.ok.health", start_s, 1.0, histogram_of(1000.0 * health_ms)
        for outcome in (Outcome.WRONG_ANSWER, Outcome.TIMEOUT, Outcome.NOT_SENT):
            count = phase.outcomes.get(outcome, 0)
            if not count:
                continue
            waited_ms = 50.0 if outcome is Outcome.WRONG_ANSWER else 1000.0 * (phase.drained_s - phase.start_s)
            times_ms = self.rng.uniform(0.4, 1.0, count) * waited_ms
            yield f"{name}.{outcome.value}.response", phase.start_s, 1.0, histogram_of(1000.0 * times_ms)

    def _samples(self, phases: tuple[PhaseRecord, ...]) -> list[Sample]:
        samples: list[Sample] = []
        end_s = max(phase.drained_s for phase in phases) + 0.3
        moments = [(float(t), "") for t in np.arange(0.2, end_s, 0.2)]
        for phase in phases:
            if phase.status is not PhaseStatus.SKIPPED:
                moments += [(phase.start_s, f"{phase.spec.name}:start"), (phase.end_s, f"{phase.spec.name}:end")]
                if phase.spec.kind is PhaseKind.RATE:
                    moments.append((phase.drained_s, f"{phase.spec.name}:drained"))
        workers = len(self.pids)
        for t_s, mark in sorted(moments):
            done = _requests_done(phases, t_s)
            trees: tuple[tuple[Literal["target", "generator", "services"], float, float], ...] = (
                ("target", 0.9 * workers + done * self.behaviour.cpu_ms / 1000 / self.speed, 70 * workers + t_s),
                ("generator", 0.8 + done * 0.0004, 60.0),
                ("services", 0.3 + (done * 0.0005 if self.wait_ms else 0.0), 45.0),
            )
            for tree, cpu_s, rss_mib in trees:
                at_1_hz = abs(t_s - round(t_s)) < 0.05
                samples.append(
                    Sample(
                        t_s=round(t_s, 4),
                        tree=tree,
                        cpu_s=round(cpu_s, 3),
                        rss_bytes=int(rss_mib * MIB),
                        processes=workers + 1 if tree == "target" else 1,
                        mark=mark,
                        pss_bytes=int(0.8 * rss_mib * MIB) if at_1_hz else None,
                        threads=44 if tree == "target" else 4,
                        ctx_voluntary=int(done * 4),
                        ctx_involuntary=int(done * 0.3),
                    )
                )
        return samples

    def _probe_lines(self, phases: tuple[PhaseRecord, ...], share: float) -> list[ProbeLine]:
        lines: list[ProbeLine] = []
        for t_s in np.arange(1.0, max(phase.drained_s for phase in phases), 0.1):
            under_load = any(phase.start_s <= t_s <= phase.end_s for phase in phases)
            lag_us = 1000.0 * (self.behaviour.loop_lag_ms if under_load else 0.2)
            lags_us = self.rng.exponential(lag_us, TICKS_PER_PROBE_LINE)
            lines.append(
                ProbeLine(
                    t_s=round(self.origin_s + float(t_s), 4),
                    requests=int(share * _requests_done(phases, float(t_s))),
                    in_flight=USERS if under_load else 0,
                    lags_us=tuple(int(lag) for lag in lags_us),
                    limiter_borrowed=40 if under_load and self.behaviour.limiter_waiting else 0,
                    limiter_waiting=self.behaviour.limiter_waiting if under_load else 0,
                )
            )
        return lines


def _requests_done(phases: tuple[PhaseRecord, ...], t_s: float) -> float:
    """Right answers since the trial began, spread evenly over each phase."""
    return sum(
        phase.ok_in_window * min(1.0, max(0.0, (t_s - phase.start_s) / (phase.end_s - phase.start_s)))
        for phase in phases
        if phase.end_s > phase.start_s
    )
