"""Servers of one workload that live side by side, and slices of load on one of them at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from harness.driving.load import Done, Load
from harness.driving.local_generator import LocalGenerator
from harness.machine.noise import canary_ms, read_moment, steal_percent
from harness.machine.partition import TARGET_NICE, detect
from harness.plan import CAPACITY_PHASE, WARMUP_PHASE, rewarm
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseSpec, PhaseStatus
from harness.results.records.profile import Profile
from harness.results.records.variant import Variant, slug
from harness.results.records.workload import Workload
from harness.sampling.proc import platform_source
from harness.sampling.process_tree import ProcessTree
from harness.services.running_services import RunningServices
from harness.serving.answers import check_answers
from harness.serving.server import Server
from harness.serving.target import target_of
from tests.figures.noise_record import BootLine, Living, SliceLine

_IDLE_S = 0.25
_GENERATOR_READY_S = 30.0
_VERIFY_S = 5.0
_VERIFY_REQUESTS = 2
_MIB = 2.0**20


class MeasuringError(Exception):
    """A server that should be there is not."""


class Course:
    """What all slices of one workload share: the generator, the services, the settings."""

    def __init__(self, root: Path, workload: Workload, profile: Profile, folder: Path) -> None:
        self.root = root
        self.workload = workload
        self.profile = profile
        self.users = profile.users_by_workload.get(workload.name, profile.users)
        self.began_s = time.monotonic()
        self._folder = folder
        self._partition = detect()
        self._lives = 0

    def __enter__(self) -> Self:
        partition = self._partition
        cpus = partition.generator if partition.pinned else None
        with ExitStack() as stack:
            self.services = stack.enter_context(
                RunningServices([self.workload], root=self.root, log_folder=self._folder, cpus=cpus)
            )
            self.generator = stack.enter_context(
                LocalGenerator.launch(
                    self.workload,
                    root=self.root,
                    users=self.profile.max_in_flight,
                    latency_path=self._folder / "latency.hlog",
                    log_path=self._folder / "locust.log",
                    cpus=cpus,
                )
            )
            self.services.wait_ready()
            self.generator.wait_ready(_GENERATOR_READY_S)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def launch(self, variant: Variant) -> Server:
        self._lives += 1
        folder = self._folder / f"{self._lives}-{slug(variant.name)}"
        return Server.launch(
            target_of(variant, self.root, self.services.environment),
            probe_dir=folder / "probe",
            log_path=folder / "server.log",
            cpus=self._partition.target if self._partition.pinned else None,
            nice=0 if self._partition.pinned else TARGET_NICE,
        )

    def is_right(self, server: Server) -> bool:
        """False where the workload does not apply; MeasuringError for a wrong answer."""
        checked = check_answers(server.host, server.port, self.workload, _VERIFY_S, at_most=_VERIFY_REQUESTS)
        if checked.status == "failed":
            raise MeasuringError(checked.error)
        return checked.status == "ok"

    def load(self, server: Server, phases: Sequence[PhaseSpec]) -> Done:
        load = Load(
            address=(server.host, server.port),
            phases=tuple(phases),
            drain_s=self.profile.drain_s + self.workload.waits_s,
            request_timeout_s=self.profile.request_timeout_s,
            health_rate_rps=self.profile.health_rate_rps,
        )
        done = self.generator.run(load, lambda event: None, lambda: server.exit_code() is not None)
        if len(done.records) < len(phases):
            raise MeasuringError(server.describe_exit("a slice"))
        return done


class SideBySide:
    """Servers that are alive at the same time, each verified and warmed. Leaving it ends them."""

    def __init__(self, course: Course, variants: Sequence[Variant], living: Living, epoch: int) -> None:
        self._course = course
        self._living = living
        self._epoch = epoch
        self._variants = {variant.name: variant for variant in variants}
        self._servers: dict[str, Server] = {}
        self._trees: dict[str, ProcessTree] = {}
        self._boots = dict.fromkeys(self._variants, 0)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            began_s = time.monotonic()
            self._servers = {
                name: stack.enter_context(self._course.launch(variant)) for name, variant in self._variants.items()
            }
            for server in self._servers.values():
                server.wait_ready(self._course.profile.ready_s)
            ready_s = time.monotonic()
            for name, server in list(self._servers.items()):
                if not self._course.is_right(server):
                    server.kill()
                    del self._servers[name]
            verified_s = time.monotonic()
            self._stack = stack.pop_all()
        for name in self._servers:
            self._watch(name)
            self._warm(name)
        self.line = BootLine(
            workload=self._course.workload.name,
            living=self._living,
            epoch=self._epoch,
            strategies=tuple(self._servers),
            boot_s=ready_s - began_s,
            verify_s=verified_s - ready_s,
            warmup_s=time.monotonic() - verified_s,
            pss_mib=self._pss_mib(),
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Those that the workload applies to."""
        return tuple(self._servers)

    def slice(self, name: str, round_number: int, slice_s: float, warmup_s: float, seed: str) -> SliceLine:
        """One slice on `name`, which is replaced after it when it has choked."""
        course, replaced_s, canary_before_ms = self._course, 0.0, canary_ms()
        began_s = time.monotonic()
        if not self._servers[name].is_idle(_IDLE_S):
            self._replace(name)
            replaced_s = time.monotonic() - began_s
            began_s += replaced_s
        server, boot = self._servers[name], self._boots[name]
        proven_s = time.monotonic()
        course.services.begin(course.workload.services, seed)
        before, cpu_before = read_moment(), self._cpu_s()
        told_s = time.monotonic()
        done = course.load(server, _phases(course.users, slice_s, warmup_s))
        ended_s = time.monotonic()
        after, cpu_after = read_moment(), self._cpu_s()
        canary = (canary_before_ms + canary_ms()) / 2
        warm, measured = done.records if warmup_s else (None, done.records[0])
        line = SliceLine(
            workload=course.workload.name,
            living=self._living,
            strategy=name,
            epoch=self._epoch,
            boot=boot,
            round=round_number,
            slice_s=slice_s,
            started_s=began_s - course.began_s,
            goodput_rps=measured.ok_in_window / (measured.end_s - measured.start_s),
            answers=sum(record.outcomes.get(Outcome.OK, 0) for record in done.records),
            answers_per_tenth=measured.ok_per_tenth,
            warmup_per_tenth=warm.ok_per_tenth if warm else (),
            choked=any(record.status is PhaseStatus.CHOKED for record in done.records),
            idle_proof_s=proven_s - began_s,
            warmup_s=warmup_s,
            drain_s=done.drain_s,
            telling_s=told_s - proven_s + (ended_s - told_s) - slice_s - warmup_s - done.drain_s,
            replace_s=replaced_s,
            own_cpu_s=cpu_after[name] - cpu_before[name],
            others_cpu_s={other: cpu_after[other] - cpu_before[other] for other in cpu_after if other != name},
            steal_percent=steal_percent(before.cpu, after.cpu),
            generator_cpu_s=measured.own_cpu_s,
            generator_wait_s=measured.own_cpu_wait_s,
            canary_ms=canary,
        )
        if not line.choked and server.is_idle(_IDLE_S):
            return line
        replacing_s = time.monotonic()
        self._replace(name)
        return msgspec.structs.replace(line, choked=True, replace_s=replaced_s + time.monotonic() - replacing_s)

    def _replace(self, name: str) -> None:
        self._servers[name].kill()
        server = self._servers[name] = self._stack.enter_context(self._course.launch(self._variants[name]))
        server.wait_ready(self._course.profile.ready_s)
        self._course.is_right(server)
        self._boots[name] += 1
        self._watch(name)
        # One user: more would choke it again before it is measured.
        self._course.load(server, [rewarm(2, self._course.profile)])

    def _warm(self, name: str) -> None:
        profile = self._course.profile
        spec = PhaseSpec(WARMUP_PHASE, PhaseKind.WARMUP, profile.warmup_s, self._course.users)
        server = self._servers[name]
        (warm,) = self._course.load(server, [msgspec.structs.replace(spec, min_s=profile.warmup_min_s)]).records
        if warm.status is PhaseStatus.CHOKED or not server.is_idle(_IDLE_S):
            self._replace(name)

    def _watch(self, name: str) -> None:
        self._trees[name] = ProcessTree(platform_source(), self._servers[name].supervisor_pid)

    def _cpu_s(self) -> dict[str, float]:
        return {name: tree.read(discover=True).cpu_s for name, tree in self._trees.items()}

    def _pss_mib(self) -> float | None:
        self._cpu_s()  # so that the trees know their processes
        sizes = [tree.pss_bytes() for tree in self._trees.values()]
        known = [size for size in sizes if size is not None]
        return sum(known) / _MIB if len(known) == len(sizes) else None


def _phases(users: int, slice_s: float, warmup_s: float) -> list[PhaseSpec]:
    measured = PhaseSpec(CAPACITY_PHASE, PhaseKind.CAPACITY, slice_s, users)
    return [PhaseSpec(WARMUP_PHASE, PhaseKind.WARMUP, warmup_s, users), measured] if warmup_s else [measured]
