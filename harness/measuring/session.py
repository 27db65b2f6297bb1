"""A session: the servers of one workload, alive side by side, and slices on one of them at a time.

Nobody is measured while a server boots. One that has choked, ended or grown too large is ended at once, and booted
anew at the beginning of the next round that needs it, together with all others that are gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from time import monotonic
from types import TracebackType
from typing import Self

import msgspec

from harness import plan
from harness.driving.generator import Generator
from harness.judging.context import info
from harness.machine.free_memory import free_memory_bytes
from harness.machine.noise import canary_ms, wait_until_quiet
from harness.measuring.boot import Boot, RunSetup
from harness.measuring.known import Known
from harness.measuring.slice import Company, Measured, Slice, Told
from harness.results.records.errors import HarnessError
from harness.results.records.phase_record import PhaseRecord, PhaseStatus
from harness.results.records.slice_record import SliceRecord, SliceSpec
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload
from harness.results.store import Run, StoreError
from harness.sampling.proc import platform_source
from harness.sampling.process_tree import ProcessTree
from harness.sampling.sampler import KnownTrees

_GENERATOR_READY_S = 30.0
# More would share two cores for so long that none is ready in time.
_BOOTED_AT_ONCE = 8
_MOST_VAIN_WAITS = 2
# A variant whose server ended by itself or was silent so often is not booted again in this session.
_MOST_DEATHS = 2


class Session:
    """Use as a context manager: leaving it ends the servers and the generator, and their records are on disk."""

    def __init__(
        self, run: Run, setup: RunSetup, workload: Workload, variants: Sequence[Variant], number: int, known: Known
    ) -> None:
        self._run = run
        self._setup = setup
        self._workload = workload
        self._variants = {variant.name: variant for variant in variants}
        self._number = number
        self._known = known
        self._boots: dict[str, Boot] = {}
        self._errors: dict[str, str] = {}  # of a variant that is not booted again
        self._deaths: dict[str, int] = dict.fromkeys(self._variants, 0)
        self._replaced: set[str] = set()
        self._canary_ms = 0.0
        self._quiet_wait_s = 0.0
        self._vain_waits = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._stack = stack
            stack.callback(self._end_all, kill=True)
            generator = self._launch_generator()
            self._boot(list(self._variants))
            generator.wait_ready(_GENERATOR_READY_S)
            in_use = sum(boot.pss_bytes() for boot in self._boots.values())
            self._allowed_bytes = in_use + self._setup.profile.memory_share * free_memory_bytes()
            trees: KnownTrees = {}
            services = self._setup.services
            self._company = Company(
                self._workload, self._setup.profile, generator, services, trees, self._beside(generator)
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:  # whatever happens meanwhile, nothing is left behind
            if kind is None:
                self._company.generator.stop()
                self._end_all(kill=False)

    def begin_round(self, specs: Sequence[SliceSpec], rates: Mapping[str, float]) -> None:
        """Boots what is gone and needed, waits for a quiet machine and looks how fast it is. A machine on which waiting
        did not help is not waited for again."""
        self._make_room()
        needed = [spec.variant for spec in specs if self._choked_rps(spec.variant, rates.get(spec.phase)) is None]
        self._boot([name for name in needed if name not in self._boots])
        limit_s = self._setup.profile.quiet_s if self._vain_waits < _MOST_VAIN_WAITS else 0.0
        self._quiet_wait_s = wait_until_quiet(limit_s)
        self._vain_waits += 0 < limit_s <= self._quiet_wait_s
        self._canary_ms = canary_ms()

    def measure(self, spec: SliceSpec, rates: dict[str, float], on_event: Told) -> SliceRecord | None:
        """One slice. A variant that cannot be measured any more in this session has a record that says so; None: there
        is no such slice, since the rate is not known."""
        name = spec.variant
        work = self._known.of(self._workload.name, name)
        groups = plan.phase_groups(spec, self._setup.profile, work, rates)
        if not groups:
            return None
        if (choked_rps := self._choked_rps(name, rates.get(spec.phase))) is not None:
            return self._skipped(spec, groups, choked_rps)
        boot = self._boots.get(name)
        if boot is None:
            return self._not_measured(spec, self._errors.get(name, f"{name}: its server is gone"))
        if not boot.is_used and not spec.is_pilot:  # a pilot begins with a long warm-up
            groups = self._with_warmup(name, groups, work)
        if (
            not spec.is_pilot
            and spec.phase == plan.CAPACITY_PHASE
            and not self._known.knows_idle_use(self._workload.name, name)
        ):
            groups = (*groups, *plan.idle_group(self._setup.profile))  # it had choked in the pilot
        boot.go_on()
        if not boot.is_idle():
            error = f"{name}: {boot.describe_silence()}"
            self._count_death(name, error)
            self._lose(name, kill=True)
            return self._not_measured(spec, error)
        others = {other: each for other, each in self._boots.items() if other != name}
        fit = plan.fitting(self._setup.profile, work, plan.users_of_workload(self._setup.profile, spec.workload))
        slice = Slice(spec, groups, boot, self._company, others, on_event, fit.drain_s)
        measured = slice.run(self._canary_ms, self._quiet_wait_s)
        self._quiet_wait_s = 0.0  # the round's first slice has it
        boot.keep(measured.record)
        self._known.learn(measured.record)
        self._after(boot, measured)
        if measured.is_generator_gone:
            self._replace_generator()
        return measured.record

    # ------------------------------------------------------------------------------------- what a slice leaves behind

    def _after(self, boot: Boot, measured: Measured) -> None:
        name, record = boot.variant.name, measured.record
        if measured.is_idle:
            boot.look_for_processes()
        else:
            if record.status == "failed":
                self._count_death(name, record.error)
            self._lose(name, kill=True)
        self._pause_the_busy()

    def _count_death(self, name: str, error: str) -> None:
        self._deaths[name] += 1
        if self._deaths[name] >= _MOST_DEATHS:
            self._errors[name] = f"{name}: is not booted again in this session: {error.removeprefix(f'{name}: ')}"

    def _pause_the_busy(self) -> None:
        for name, boot in self._boots.items():
            if name in self._known.busy and not boot.is_paused:
                boot.pause()

    def _make_room(self) -> None:
        """The servers side by side must fit: where they have grown too large, the largest is booted anew."""
        sizes = {name: boot.pss_bytes() for name, boot in self._boots.items()}
        allowed_bytes = self._allowed_bytes
        while len(sizes) > 1 and sum(sizes.values()) > allowed_bytes:
            name = max(sizes, key=sizes.__getitem__)
            self._boots[name].remark(
                info(
                    "memory_full",
                    f"its memory had grown to {sizes.pop(name) / 2**20:,.0f} MiB, and the servers side by side may use "
                    f"{allowed_bytes / 2**20:,.0f} MiB together: it was booted anew",
                    "look for what the app keeps for each request; later slices ran on a fresh server",
                )
            )
            self._lose(name, kill=False)

    def _with_warmup(
        self, name: str, groups: tuple[plan.PhaseGroup, ...], work: plan.Work
    ) -> tuple[plan.PhaseGroup, ...]:
        profile = self._setup.profile
        if name in self._replaced:  # all users at once would choke it again before it is measured
            return ((plan.fresh_warmup(profile, work),), *groups)
        users = plan.users_of_workload(profile, self._workload.name)
        return plan.with_first_warmup(groups, profile, work, users)

    def _choked_rps(self, name: str, rate_rps: float | None) -> float | None:
        """The rate at which it has choked, where it would choke at `rate_rps` again."""
        choked_rps = self._known.choked_at_rps(self._workload.name, name)
        return choked_rps if rate_rps is not None and choked_rps is not None and rate_rps >= choked_rps else None

    def _skipped(self, spec: SliceSpec, groups: Sequence[plan.PhaseGroup], choked_rps: float) -> SliceRecord:
        """A strategy that has choked at an arrival rate chokes there again, and at every higher one; its latency there
        depends only on how long we wait."""
        reason = f"choked at {choked_rps:.0f} requests/s already"
        phases = tuple(PhaseRecord(spec=s, status=PhaseStatus.SKIPPED, reason=reason) for g in groups for s in g)
        record = SliceRecord(spec=spec, boot=0, elapsed_s=0.0, phases=phases)
        boot = self._boots.get(spec.variant)
        if boot is None:
            return self._on_last_boot(record)
        record = msgspec.structs.replace(record, boot=boot.record.number)
        boot.keep(record)
        return record

    def _not_measured(self, spec: SliceSpec, error: str) -> SliceRecord:
        return self._on_last_boot(SliceRecord(spec=spec, boot=0, status="failed", error=error, elapsed_s=0.0))

    def _on_last_boot(self, record: SliceRecord) -> SliceRecord:
        """Kept with the last boot of its variant, which has ended."""
        folder = self._run.boots(self._workload.name, record.spec.variant)[-1]
        record = msgspec.structs.replace(record, boot=folder.number)
        boot = folder.read()
        folder.write(msgspec.structs.replace(boot, slices=(*boot.slices, record)))
        return record

    # ----------------------------------------------------------------------------------------------- the generator

    def _launch_generator(self) -> Generator:
        folder = self._run.session_folder(self._workload.name, self._number)
        return self._stack.enter_context(
            self._setup.launch_generator(
                self._workload,
                root=self._setup.root,
                users=self._setup.profile.max_in_flight,
                latency_path=folder / "latency.hlog",
                log_path=folder / "locust.log",
                cpus=self._setup.generator_cpus,
                generators=self._setup.profile.generators,
            )
        )

    def _replace_generator(self) -> None:
        self._company.generator.stop()
        generator = self._launch_generator()
        generator.wait_ready(_GENERATOR_READY_S)
        self._company = replace(self._company, generator=generator, beside=self._beside(generator))

    def _beside(self, generator: Generator) -> list[ProcessTree]:
        pids = [*self._setup.services.supervisor_pids.values(), *filter(None, [generator.local_pid])]
        return [ProcessTree(platform_source(), pid) for pid in pids]

    # ------------------------------------------------------------------------------------------------- the servers

    def _boot(self, names: Sequence[str]) -> None:
        names = [name for name in names if name not in self._errors]
        for at in range(0, len(names), _BOOTED_AT_ONCE):
            launched = []
            for name in names[at : at + _BOOTED_AT_ONCE]:
                folder = self._run.new_boot(self._workload.name, name)
                began_s = monotonic()
                try:
                    boot = Boot(
                        self._setup, self._workload, self._variants[name], folder, self._number, self._port(name)
                    )
                except HarnessError as error:
                    self._errors[name] = str(error)
                    continue
                launched.append((name, boot, began_s))
                self._boots[name] = boot
            for name, boot, began_s in launched:
                try:
                    boot.wait_ready()
                except StoreError:
                    raise
                except HarnessError as error:
                    self._errors[name] = str(error)
                    del self._boots[name]
                    continue
                boot.spent("boot", monotonic() - began_s)
                boot.folder.save(boot.record)
        self._pause_the_busy()

    def _port(self, name: str) -> int | None:
        """Of a port that was asked for: that one for the first variant, the next one for the second, and so on."""
        return None if self._setup.port is None else self._setup.port + list(self._variants).index(name)

    def _lose(self, name: str, *, kill: bool) -> None:
        self._boots.pop(name).end(kill=kill)
        self._replaced.add(name)

    def _end_all(self, *, kill: bool) -> None:
        """All at once: a server may take its time to stop."""
        boots = list(self._boots.values())
        self._boots.clear()
        if not boots:
            return
        with ThreadPoolExecutor(max_workers=len(boots)) as pool:
            list(pool.map(lambda boot: boot.end(kill=kill), boots))
