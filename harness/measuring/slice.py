"""One slice on one boot: its load, what the machine and the other servers did meanwhile, its record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

import msgspec

from harness.driving.generator import Generator, GeneratorGoneError
from harness.driving.load import Ended, Load, Progress, Started, placed
from harness.machine.noise import NoiseWatch
from harness.measuring.boot import Boot, BootError
from harness.plan import FRESH_PHASE, PhaseGroup
from harness.results.records.errors import HarnessError
from harness.results.records.finding import Finding
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseStatus
from harness.results.records.profile import Profile
from harness.results.records.slice_record import SliceRecord, SliceSpec
from harness.results.records.workload import Workload
from harness.results.store import StoreError
from harness.sampling.process_tree import ProcessTree
from harness.sampling.sampler import KnownTrees, Sampler
from harness.services.running_services import RunningServices

Told = Callable[[Started | Progress | Ended], None]


@dataclass(frozen=True)
class Company:
    """What is there beside the measured server. `trees`: what the sampler knows of the process trees. `beside`: the
    trees of the generator and of the services."""

    workload: Workload
    profile: Profile
    generator: Generator
    services: RunningServices
    trees: KnownTrees
    beside: Sequence[ProcessTree]

    def cpu_s(self) -> float:
        """What generator and services have used so far."""
        return sum(tree.read(discover=False).cpu_s for tree in self.beside)


@dataclass(frozen=True)
class Measured:
    """`is_idle`: its server may be measured again; else it has choked, or ended. `is_generator_gone`: nothing more can
    be measured with the same generator."""

    record: SliceRecord
    is_idle: bool
    is_generator_gone: bool = False


class Slice:
    """Call `run()` once. What fails is in the record; only when the results folder cannot be written is it an
    exception."""

    def __init__(
        self,
        spec: SliceSpec,
        groups: Sequence[PhaseGroup],
        boot: Boot,
        company: Company,
        others: Mapping[str, Boot],
        on_event: Told,
        drain_s: float = 0.0,
    ) -> None:
        self._spec = spec
        self._groups = groups
        self._boot = boot
        self._company = company
        self._others = others
        self._on_event = on_event
        self._drain_s = drain_s  # at least
        self._phases: list[PhaseRecord] = []
        self._events: list[Finding] = []

    def run(self, canary: float, quiet_wait_s: float) -> Measured:
        """`canary`: the machine's speed at the beginning of the round, in ms."""
        boot = self._boot
        began_s = monotonic()
        watch = NoiseWatch(canary)
        before = {name: other.cpu_s() for name, other in self._others.items()}
        own_before_s, beside_before_s = boot.cpu_s(), self._company.cpu_s()
        error, is_idle, is_generator_gone = "", False, False
        sampler = Sampler(boot.folder.samples_path, boot.origin_s, known=self._company.trees)
        try:
            with sampler:
                is_idle = self._measure(sampler)
        except StoreError:
            raise
        except HarnessError as failure:
            error = str(failure)
            is_generator_gone = isinstance(failure, GeneratorGoneError)
            if is_generator_gone:
                advice = "read locust.log, then measure this round again with --resume"
                self._events.append(Finding("generator_died", "invalid", error, advice))
            if (gone := self._service_gone()) is not None:
                error = str(gone)
                advice = "read the service's log, then finish the run with --resume; the strategy is not to blame"
                self._events.append(Finding("service_died", "invalid", error, advice))
        elapsed_s = monotonic() - began_s
        others_s = {name: other.cpu_s() - before[name] for name, other in self._others.items()}
        boot.look_for_processes()  # those of a pool may have started in this slice: they are no strangers
        own_s = boot.cpu_s() - own_before_s
        ours_s = own_s + sum(others_s.values()) + self._company.cpu_s() - beside_before_s
        boot.sampled(sampler.cpu_s, sampler.wall_s)
        record = SliceRecord(
            spec=self._spec,
            boot=boot.record.number,
            status="failed" if error else "complete",
            error=error,
            elapsed_s=elapsed_s,
            phases=tuple(self._phases),
            noise=msgspec.structs.replace(watch.finish(ours_s), quiet_wait_s=quiet_wait_s),
            own_cores=round(own_s / elapsed_s, 4),
            others_cores={name: round(used_s / elapsed_s, 4) for name, used_s in others_s.items()},
            events=tuple(self._events),
        )
        return Measured(record, is_idle and not error, is_generator_gone)

    def _measure(self, sampler: Sampler) -> bool:
        """True when the server is proven idle at the end."""
        sampler.watch("target", self._boot.server.supervisor_pid)
        if self._company.generator.local_pid is not None:
            sampler.watch("generator", self._company.generator.local_pid)
        for name, pid in self._company.services.sampled_pids.items():
            sampler.watch("services", pid, service=name)
        for number, group in enumerate(self._groups):
            if self._load(group, sampler):
                continue
            if group[-1].name == FRESH_PHASE:
                raise BootError(f"{self._spec.variant}: a fresh server choked on one user; see its log")
            self._phases += [
                PhaseRecord(spec=spec, status=PhaseStatus.SKIPPED, reason="the server had choked before")
                for left in self._groups[number + 1 :]
                for spec in left
            ]
            return False
        return True

    def _load(self, group: PhaseGroup, sampler: Sampler) -> bool:
        """Run a group of phases; True when the server is proven idle after it."""
        profile, boot = self._company.profile, self._boot
        server = boot.server
        load = Load(
            address=(server.host, server.port),
            phases=group,
            drain_s=max(self._drain_s, profile.drain_s + self._company.workload.waits_s),
            request_timeout_s=profile.request_timeout_s + self._company.workload.waits_s,
            health_rate_rps=profile.health_rate_rps,
            folder=str(boot.folder.path.resolve()),
            slice=len(boot.record.slices) + 1,
            health_path=server.health_path,
        )
        began_s: float | None = None

        def on_event(event: Started | Progress | Ended) -> None:
            nonlocal began_s
            if began_s is None and isinstance(event, Started):
                began_s = monotonic() - boot.origin_s
            match event:
                case Started():
                    sampler.mark(f"{event.phase}:start")
                case Ended():
                    sampler.mark(f"{event.phase}:end")
            self._on_event(event)

        boot.is_used = True
        self._begin_services(group)
        done = self._company.generator.run(load, on_event, lambda: server.exit_code() is not None)
        records = [placed(record, began_s or 0.0) for record in done.records]
        boot.spent("drain", done.drain_s)
        # A load that is ended early has no records of the phases after that.
        died = self._who_died(records[-1].spec.name if records else group[0].name)
        if died is not None:
            cut = [msgspec.structs.replace(last, status=PhaseStatus.FAILED, reason=str(died)) for last in records[-1:]]
            self._phases += [*records[:-1], *cut]
            raise died
        self._phases += records
        last = group[-1]
        if last.kind is PhaseKind.RATE:
            sampler.mark(f"{last.name}:drained")  # an open loop's last answers cost CPU time after its end
        if any(record.status is PhaseStatus.CHOKED for record in records):
            return False
        if not boot.is_idle():
            self._events.append(
                Finding(
                    "not_idle",
                    "info",
                    f"after {last.name} every request was answered, but /health did not say idle in time: the server "
                    "was replaced",
                    "nothing; later slices ran on a fresh server",
                )
            )
            return False
        return True

    def _begin_services(self, group: PhaseGroup) -> None:
        """The same load of every strategy of a round meets the same services, whatever asked them before."""
        spec = self._spec
        seed = f"{self._company.profile.seed}/{spec.round}/{spec.workload}/{group[0].name}"
        self._company.services.begin(self._company.workload.services, seed)

    def _who_died(self, phase: str) -> HarnessError | None:
        server = self._boot.server
        if server.exit_code() is not None:
            return BootError(f"{self._spec.variant}: {server.describe_exit(phase)}")
        return self._service_gone()

    def _service_gone(self) -> HarnessError | None:
        """Without the services every strategy fails, and it is not the strategy's fault."""
        try:
            self._company.services.check_alive()
        except HarnessError as gone:
            return gone
        return None
