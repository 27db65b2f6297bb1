"""One session of a made-up run: its servers side by side, and what each leaves on disk."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogWriter
from numpy.typing import NDArray

from harness import plan
from harness.results.records.arrival_times import Arrivals
from harness.results.records.boot_record import BootRecord
from harness.results.records.metric import Metric, slice_mark
from harness.results.records.noise_record import Noise
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.probe_line import ProbeLine
from harness.results.records.run_record import RunRecord
from harness.results.records.sample import Sample
from harness.results.records.schedule import schedule
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.slice_record import SliceRecord, SliceSpec
from harness.results.store import BootFolder, Run
from tests.synthetic_strategies import HOSTILE, MIB, USERS, behaviour, in_flight

TICKS_PER_PROBE_LINE = 5
IDLE_CORES = 0.02
PAUSE_S = 3600.0  # between the harness's death and --resume
BEGAN_MONOTONIC_S, BEGAN_EPOCH_S = 50_000.0, 1_735_689_600.0


def write_hlog(path: Path, intervals: Iterable[tuple[str, float, float, HdrHistogram]]) -> None:
    """`latency.hlog` as the generator writes it: `(tag, start_s, length_s, histogram in microseconds)` each."""
    text = io.StringIO()
    writer = HistogramLogWriter(text)
    writer.output_comment("[a synthetic slice]")
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


@dataclass
class _Boot:
    """One life of a server, and what it leaves on disk."""

    folder: BootFolder
    record: BootRecord
    is_replacement: bool
    phases: list[PhaseRecord] = field(default_factory=list)
    intervals: list[tuple[str, float, float, HdrHistogram]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    arrivals: list[Arrivals] = field(default_factory=list)

    def keep(self, slice: SliceRecord) -> None:
        self.record = msgspec.structs.replace(self.record, slices=(*self.record.slices, slice))
        self.phases += [phase for phase in slice.phases if phase.end_s > phase.start_s]

    def end(self, ended: str, now_s: float, probe_lines: Sequence[Sequence[ProbeLine]]) -> None:
        """`ended` is empty when the harness was killed before."""
        encoder = msgspec.json.Encoder()
        if self.intervals:
            write_hlog(self.folder.latency_path, self.intervals)
        self.folder.samples_path.write_bytes(encoder.encode_lines(self.samples))
        if self.arrivals:
            self.folder.arrivals_path.write_bytes(encoder.encode_lines(self.arrivals))
        for pid, lines in zip(self.record.pids, probe_lines, strict=True):
            (self.folder.probe_dir / f"{pid}.jsonl").write_bytes(encoder.encode_lines(lines))
        self.folder.log_path.write_text(f"INFO: started {self.record.variant}\n")
        lived_s = now_s - self.record.origin_monotonic_s if ended else 0.0
        self.folder.write(msgspec.structs.replace(self.record, ended=ended, lived_s=lived_s))


class Session:
    """Writes the boots of one session: its rounds, one slice of each variant after the other. `clock_s` is the reading
    of CLOCK_MONOTONIC."""

    def __init__(
        self,
        run: Run,
        record: RunRecord,
        specs: Sequence[SliceSpec],
        clock_s: float,
        rng: np.random.Generator,
        round_speed: NDArray[np.float64],
        choked_rps: dict[tuple[str, str], float],
        *,
        peculiar: bool,
    ) -> None:
        self.run = run
        self.record = record
        self.specs = specs
        self.clock_s = clock_s
        self.rng = rng
        self.round_speed = round_speed
        self.peculiar = peculiar
        self.workload, self.number = specs[0].workload, specs[0].session
        self.wait_ms = 0.0 if self.workload == "cpu" else 100.0
        self.boots: dict[str, _Boot] = {}
        self.replaced: set[str] = set()
        self.choked_rps = choked_rps  # by workload and variant, of the whole run

    def write(self) -> float:
        """When it was over, by the clock."""
        (self.run.session_folder(self.workload, self.number) / "locust.log").write_text("INFO: ready\n")
        last = len(self.specs) - 1
        for round, found in groupby(self.specs, key=lambda spec: spec.round):
            specs = list(found)
            if self._is_killed_in(round) and round == self.specs[last].round:
                self._round(specs[:2])
                self._end_all("")
                self.replaced.clear()  # whoever resumes boots all of them as new
                self.clock_s += PAUSE_S
            self._round(specs)
        self._end_all("stopped")
        return self.clock_s

    def _is_killed_in(self, round: int) -> bool:
        is_last = self.workload == self.record.profile.workloads[-1] and self.number == self.record.profile.sessions
        return self.peculiar and is_last and round > 0

    def _round(self, specs: Sequence[SliceSpec]) -> None:
        gone = [spec.variant for spec in specs if spec.variant not in self.boots]
        for variant in gone:
            self._boot(variant)
        self.clock_s += 1.3 if gone else 0.1
        noise = Noise(steal_percent=1.5, load_1m=0.8, canary_ms=105.0 + 4.0 * float(self.rng.random()))
        for place, spec in enumerate(specs):
            self._slice(spec, msgspec.structs.replace(noise, quiet_wait_s=0.0 if place else 0.2))

    def _boot(self, variant: str) -> None:
        """Of all that are launched at once each has its own origin."""
        last = self.record.profile.workloads[-1]
        if (
            self.peculiar
            and (variant, self.workload, self.number) == ("sync_def", last, 1)
            and not self.boots_of(variant)
        ):
            cut_off = self.run.new_boot(self.workload, variant)
            cut_off.samples_path.write_text('{"t_s":0.1,"tree":"target","cpu_s":0.')
        folder = self.run.new_boot(self.workload, variant)
        workers = 2 if variant == "multi_worker" else 1
        first_pid = 4000 + 10 * len(list(self.run.path.glob("boots/*/*")))
        origin_s = self.clock_s + 0.01 * len(self.boots)
        record = BootRecord(
            schema_version=SCHEMA_VERSION,
            workload=self.workload,
            variant=variant,
            number=folder.number,
            session=self.number,
            started_epoch_s=BEGAN_EPOCH_S + origin_s - BEGAN_MONOTONIC_S,
            origin_monotonic_s=origin_s,
            port=40001,
            boot_s=1.1,
            pids=tuple(range(first_pid, first_pid + workers)),
            overhead_s={"boot": 1.1, "verify": 0.1, "drain": 0.4, "stop": 0.2},
            sampler_cpu_s=0.05,
            sampler_wall_s=20.0,
        )
        self.boots[variant] = _Boot(folder, record, is_replacement=variant in self.replaced)

    def boots_of(self, variant: str) -> list[BootFolder]:
        return self.run.boots(self.workload, variant)

    def _end_all(self, ended: str) -> None:
        self.clock_s += 0.2
        for variant in list(self.boots):
            self._end(variant, ended)

    def _end(self, variant: str, ended: str) -> None:
        boot = self.boots.pop(variant)
        self.replaced.add(variant)
        shares = (1.0,) if len(boot.record.pids) == 1 else (0.55, 0.45)
        boot.end(ended, self.clock_s, [list(self._probe_lines(boot, share)) for share in shares])

    def _slice(self, spec: SliceSpec, noise: Noise) -> None:
        boot = self.boots[spec.variant]
        kind = self._kind(spec)
        if kind == "silent":
            error = f"{spec.variant}: its server did not answer /health while nobody asked it"
            boot.keep(SliceRecord(spec=spec, boot=boot.record.number, status="failed", error=error, elapsed_s=0.0))
            self._end(spec.variant, "killed: it was not idle")
            return
        groups = plan.phase_groups(spec, self.record.profile, plan.Work(), self.record.rates_rps[self.workload])
        cell = spec.workload, spec.variant
        rate_rps = groups[0][0].rate_rps
        if rate_rps is not None and rate_rps >= self.choked_rps.get(cell, math.inf):
            reason = f"choked at {self.choked_rps[cell]:.0f} requests/s already"
            skipped = tuple(
                PhaseRecord(spec=phase, status=PhaseStatus.SKIPPED, reason=reason)
                for group in groups
                for phase in group
            )
            boot.keep(SliceRecord(spec=spec, boot=boot.record.number, elapsed_s=0.0, phases=skipped))
            return
        if not boot.record.slices and boot.is_replacement:
            groups = ((plan.fresh_warmup(self.record.profile, plan.Work()),), *groups)
        elif not boot.record.slices:
            groups = plan.with_first_warmup(groups, self.record.profile, plan.Work(), USERS)
        began_s = self.clock_s
        load = _Load(self, spec, boot, wrong=3 if kind == "wrong_answers" else 0)
        phases = load.phases(groups)
        error = ""
        if kind == "died":
            error = f"{spec.variant}: exited with 1 in {phases[-1].spec.name}: {HOSTILE}"
            phases = (*phases[:-1], msgspec.structs.replace(phases[-1], status=PhaseStatus.FAILED, reason=error))
        self.clock_s = boot.record.origin_monotonic_s + max(phase.drained_s for phase in phases)
        boot.intervals += [interval for phase in phases for interval in load.intervals(phase)]
        boot.arrivals += [load.arrivals(phase.spec) for phase in phases if phase.spec.kind is PhaseKind.RATE]
        boot.keep(
            SliceRecord(
                spec=spec,
                boot=boot.record.number,
                status="failed" if error else "complete",
                error=error,
                elapsed_s=self.clock_s - began_s,
                phases=phases,
                noise=noise,
                others_cores={name: 0.002 for name in self.boots if name != spec.variant},
            )
        )
        boot.samples += load.samples(phases)
        self.clock_s += 0.1
        if phases[-1].status is PhaseStatus.CHOKED:
            self.choked_rps[cell] = phases[-1].spec.rate_rps or 0.0
            self._end(spec.variant, "killed: it was not idle")
        elif error:
            self._end(spec.variant, "exited with 1")

    def _kind(self, spec: SliceSpec) -> str:
        profile = self.record.profile
        last_capacity = max(s.round for s in self.record.plan if s.phase == plan.CAPACITY_PHASE)
        if not self.peculiar or spec.workload != profile.workloads[0]:
            return "usual"
        peculiar = {
            ("async_thread_pool", last_capacity): "silent",
            ("async_thread_pool", 1): "died",
            ("pure_async", 2): "wrong_answers",
        }
        return peculiar.get((spec.variant, spec.round), "usual")

    def _probe_lines(self, boot: _Boot, share: float) -> Iterator[ProbeLine]:
        """Ten a second under load, fewer between."""
        loads = [phase for phase in boot.phases if phase.spec.kind is not PhaseKind.IDLE]
        expected = behaviour(boot.record.variant, self.workload)
        times = {round(1.0 + n, 1) for n in range(int(self.clock_s - boot.record.origin_monotonic_s))}
        times |= {
            round(float(t_s), 1) for phase in boot.phases for t_s in np.arange(phase.start_s, phase.drained_s, 0.1)
        }
        for t_s in sorted(times):
            under_load = any(phase.start_s <= t_s <= phase.end_s for phase in loads)
            lag_us = 1000.0 * (expected.loop_lag_ms if under_load else 0.2)
            waiting = expected.limiter_waiting if under_load else 0
            yield ProbeLine(
                t_s=round(boot.record.origin_monotonic_s + t_s, 4),
                requests=int(share * _requests_done(boot.phases, t_s)),
                in_flight=USERS if under_load else 0,
                lags_us=tuple(int(lag) for lag in self.rng.exponential(lag_us, TICKS_PER_PROBE_LINE)),
                limiter_borrowed=40 if waiting else 0,
                limiter_waiting=waiting,
            )


class _Load:
    """What one slice's load finds."""

    def __init__(self, session: Session, spec: SliceSpec, boot: _Boot, *, wrong: int) -> None:
        self.run = session.record
        self.rng = session.rng
        self.spec = spec
        self.boot = boot
        self.wrong = wrong
        self.mark = slice_mark(len(boot.record.slices) + 1)
        self.start_s = session.clock_s - boot.record.origin_monotonic_s
        self.behaviour = behaviour(spec.variant, spec.workload)
        self.wait_ms = session.wait_ms
        speed = float(session.round_speed[spec.round])
        # A wait does not get longer on a slow machine; everything else does.
        self.speed = (1.0 if self.wait_ms else speed) * float(self.rng.lognormal(0.0, 0.03))
        self._ok_per_second: dict[str, tuple[int, ...]] = {}

    def phases(self, groups: Sequence[plan.PhaseGroup]) -> tuple[PhaseRecord, ...]:
        """Those of a group without a pause; a drain after each group."""
        records: list[PhaseRecord] = []
        clock_s = self.start_s
        for group in groups:
            ends_s = clock_s + sum(spec.duration_s for spec in group)
            for spec in group:
                records.append(self._phase(spec, clock_s, ends_s))
                clock_s += spec.duration_s
            clock_s = records[-1].drained_s + 0.1
        return tuple(records)

    def _phase(self, spec: PhaseSpec, start_s: float, load_ends_s: float) -> PhaseRecord:
        end_s = start_s + spec.duration_s
        health = max(1, int(spec.duration_s * self.run.profile.health_rate_rps))
        if spec.kind is PhaseKind.IDLE:
            return PhaseRecord(
                spec=spec,
                status=PhaseStatus.COMPLETE,
                start_s=start_s,
                end_s=end_s,
                drained_s=load_ends_s + 0.05,
                health_scheduled=health,
                health_outcomes={Outcome.OK: health},
            )
        capacity_rps = self.behaviour.capacity_rps * self.speed
        offered_rps = spec.rate_rps if spec.rate_rps is not None else capacity_rps
        served_rps = min(offered_rps, capacity_rps)
        seconds = max(1, round(spec.duration_s))
        # The injected wait is a law: the analysis calls more answers than in_flight / wait impossible.
        at_once = min(USERS, (in_flight(self.spec.variant) or USERS) * len(self.boot.record.pids))
        most = int(at_once / (self.wait_ms / 1000)) if self.wait_ms else 10**9
        per_second = tuple(min(most, int(n)) for n in self.rng.poisson(served_rps, seconds))
        ok = sum(per_second)
        self._ok_per_second[spec.name] = per_second
        late = max(0, int(offered_rps * spec.duration_s) - ok) if served_rps < offered_rps else 0
        chokes = late > 0.2 * offered_rps * spec.duration_s
        late = late if chokes else 0
        not_sent = late // 4
        outcomes = {
            Outcome.OK: ok,
            Outcome.WRONG_ANSWER: self.wrong if spec.kind is PhaseKind.CAPACITY else 0,
            Outcome.TIMEOUT: late - not_sent,
            Outcome.NOT_SENT: not_sent,
        }
        return PhaseRecord(
            spec=spec,
            status=PhaseStatus.CHOKED if chokes else PhaseStatus.COMPLETE,
            start_s=start_s,
            end_s=end_s,
            drained_s=load_ends_s + (2.0 if chokes else 0.15),
            scheduled=sum(outcomes.values()),
            outcomes={outcome: count for outcome, count in outcomes.items() if count},
            censored=late - not_sent,
            ok_in_window=ok,
            health_scheduled=health,
            health_outcomes={Outcome.OK: health},
            min_service_ms=self.wait_ms + 0.9,
            reason="150 requests were still open after 2 s" if chokes else "",
        )

    def intervals(self, phase: PhaseRecord) -> Iterable[tuple[str, float, float, HdrHistogram]]:
        tag = f"{phase.spec.name}{self.mark}"
        cost_ms = (self.behaviour.latency_ms - self.wait_ms) / self.speed
        closed_loop_ms = 1000.0 * USERS / (self.behaviour.capacity_rps * self.speed)
        for second, count in enumerate(self._ok_per_second.get(phase.spec.name, ())):
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
                    yield f"{tag}.ok.{metric.value}", start_s, 1.0, histogram_of(1000.0 * values_ms)
            health_ms = 0.8 + self.rng.exponential(self.behaviour.health_ms, int(self.run.profile.health_rate_rps))
            yield f"{tag}.ok.health", start_s, 1.0, histogram_of(1000.0 * health_ms)
        for outcome in (Outcome.WRONG_ANSWER, Outcome.TIMEOUT, Outcome.NOT_SENT):
            count = phase.outcomes.get(outcome, 0)
            if not count:
                continue
            waited_ms = 50.0 if outcome is Outcome.WRONG_ANSWER else 1000.0 * (phase.drained_s - phase.start_s)
            times_ms = self.rng.uniform(0.4, 1.0, count) * waited_ms
            yield f"{tag}.{outcome.value}.response", phase.start_s, 1.0, histogram_of(1000.0 * times_ms)

    def arrivals(self, spec: PhaseSpec) -> Arrivals:
        starts_s = schedule(spec.arrivals, spec.rate_rps or 0.0, spec.duration_s, spec.seed)
        return Arrivals(
            phase=spec,
            scheduled=len(starts_s),
            intended_us=tuple(int(1e6 * start_s) for start_s in starts_s),
            sent_us=tuple(int(1e6 * start_s) + 150 for start_s in starts_s),
            slice=len(self.boot.record.slices) + 1,
        )

    def samples(self, phases: Sequence[PhaseRecord]) -> Iterator[Sample]:
        """Five a second of each tree, and one at each edge; `phases` are those of this slice, which the boot has."""
        moments = [(float(t), "") for t in np.arange(phases[0].start_s, phases[-1].drained_s, 0.2)]
        for phase in phases:
            moments += [(phase.start_s, f"{phase.spec.name}:start"), (phase.end_s, f"{phase.spec.name}:end")]
            if phase.spec.kind is PhaseKind.RATE:
                moments.append((phase.drained_s, f"{phase.spec.name}:drained"))
        workers = len(self.boot.record.pids)
        for number, (t_s, mark) in enumerate(sorted(moments)):
            done = _requests_done(self.boot.phases, t_s)
            cpu_s = 0.9 * workers + IDLE_CORES * t_s + done * self.behaviour.cpu_ms / 1000 / self.speed
            trees: tuple[tuple[Literal["target", "generator", "services"], float, float], ...] = (
                ("target", cpu_s, 70 * workers + 0.1 * t_s),
                ("generator", 0.8 + done * 0.0004, 60.0),
                ("services", 0.3 + (done * 0.0005 if self.wait_ms else 0.0), 45.0),
            )
            for tree, cpu_s, rss_mib in trees:
                yield Sample(
                    t_s=round(t_s, 4),
                    tree=tree,
                    cpu_s=round(cpu_s, 3),
                    rss_bytes=int(rss_mib * MIB),
                    processes=workers + 1 if tree == "target" else 1,
                    mark=mark,
                    pss_bytes=None if number % 5 else int(0.8 * rss_mib * MIB),
                    threads=44 if tree == "target" else 4,
                    ctx_voluntary=int(done * 4),
                    ctx_involuntary=int(done * 0.3),
                )


def _requests_done(phases: Sequence[PhaseRecord], t_s: float) -> float:
    """Right answers since the boot began, spread evenly over each phase."""
    return sum(
        phase.ok_in_window * min(1.0, max(0.0, (t_s - phase.start_s) / (phase.end_s - phase.start_s)))
        for phase in phases
    )
