"""One trial from launch to record: a fresh server, one variant, one workload, all its phases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time

import msgspec

from harness.driving.generator import Generator, LaunchGenerator
from harness.driving.load import Ended, Load, Progress, Started, placed
from harness.driving.local_generator import LocalGenerator
from harness.machine.noise import NoiseWatch, wait_until_quiet
from harness.machine.partition import TARGET_NICE
from harness.plan import PhaseGroup, rewarm
from harness.results.records.errors import HarnessError
from harness.results.records.finding import Finding
from harness.results.records.machine_record import Partition
from harness.results.records.noise_record import Noise
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseStatus
from harness.results.records.profile import Profile
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.trial_record import ServerRecord, TrialRecord, TrialSpec
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload
from harness.results.store import Attempt, StoreError
from harness.sampling.sampler import Sampler
from harness.services.running_services import RunningServices
from harness.serving.answers import check_answers
from harness.serving.server import Server
from harness.serving.target import target_of

# An idle server answers /health at once. One that needs longer is still busy with earlier requests.
_IDLE_S = 0.25
_VERIFY_S = 5.0
_VERIFY_REQUESTS = 2  # the pre-flight check has asked all of them; here it is enough to see that they work
_GENERATOR_READY_S = 30.0


@dataclass(frozen=True)
class RunSetup:
    """What all trials of a run share."""

    root: Path
    profile: Profile
    partition: Partition
    services: RunningServices
    port: int | None = None
    launch_generator: LaunchGenerator = LocalGenerator.launch

    @property
    def target_cpus(self) -> Sequence[int] | None:
        return self.partition.target if self.partition.pinned else None

    @property
    def target_nice(self) -> int:
        return 0 if self.partition.pinned else TARGET_NICE

    @property
    def generator_cpus(self) -> Sequence[int] | None:
        return self.partition.generator if self.partition.pinned else None


class TrialError(HarnessError):
    """The trial ended early. What it had measured is kept."""


class Trial:
    """Call `run()` once. A trial that fails returns a record that says so; only when the results folder cannot be
    written is it an exception."""

    def __init__(
        self,
        spec: TrialSpec,
        groups: Sequence[PhaseGroup],
        variant: Variant,
        workload: Workload,
        setup: RunSetup,
        attempt: Attempt,
        on_event: Callable[[Started | Progress | Ended], None],
    ) -> None:
        self._spec = spec
        self._groups = groups
        self._variant = variant
        self._workload = workload
        self._setup = setup
        self._attempt = attempt
        self._on_event = on_event
        self._origin_s = monotonic()
        self._phases: list[PhaseRecord] = []
        self._servers: list[ServerRecord] = []
        self._events: list[Finding] = []
        self._overhead_s: dict[str, float] = {}

    def run(self) -> TrialRecord:
        started_epoch_s = time()
        quiet_wait_s = wait_until_quiet(self._setup.profile.quiet_s)
        watch = NoiseWatch()
        self._spent("quiet", self._origin_s)
        error = ""
        sampler = Sampler(self._attempt.samples_path, self._origin_s)
        try:
            with sampler:
                self._measure(sampler)
        except StoreError:
            raise
        except HarnessError as failure:
            error = str(failure)
            if (gone := self._service_gone()) is not None:
                error = str(gone)
                advice = "read the service's log, then finish the run with --resume; the strategy is not to blame"
                self._events.append(Finding("service_died", "invalid", error, advice))
        noise = msgspec.structs.replace(watch.finish(), quiet_wait_s=quiet_wait_s)
        return self._record(started_epoch_s, error, sampler, noise)

    # ------------------------------------------------------------------------------------------ the measuring

    def _measure(self, sampler: Sampler) -> None:
        with ExitStack() as stack:
            began_s = monotonic()
            server = stack.enter_context(self._launch_server())
            generator = stack.enter_context(self._launch_generator())
            self._await_server(server, began_s)
            generator.wait_ready(_GENERATOR_READY_S)
            self._spent("boot", began_s)
            if generator.local_pid is not None:
                sampler.watch("generator", generator.local_pid)
            for name, pid in self._setup.services.supervisor_pids.items():
                sampler.watch("services", pid, service=name)
            for number, group in enumerate(self._groups):
                sampler.watch("target", server.supervisor_pid, server=len(self._servers) - 1)
                if self._load(group, server, generator, sampler):
                    continue
                began_s = monotonic()
                self._end_server(server, sampler, kill=True)
                rest = self._groups[number + 1 :]
                if self._skip_if_choked_at_a_rate(group, rest) or not rest:
                    break
                server = stack.enter_context(self._launch_server())
                self._await_server(server, monotonic())
                sampler.watch("target", server.supervisor_pid, server=len(self._servers) - 1)
                self._spent("restart", began_s)
                warming = rewarm(len(self._servers), self._setup.profile)
                if not self._load((warming,), server, generator, sampler):
                    if not any(phase.kind.is_load for left in rest for phase in left):
                        # The pilot knows the capacity, which it is for. Only the CPU use without load stays unknown.
                        self._end_server(server, sampler, kill=True)
                        self._skip(rest, "a fresh server choked on one user")
                        break
                    raise TrialError(f"{self._variant.name}: a fresh server choked on one user; see its log")
            else:
                began_s = monotonic()
                generator.stop()
                self._end_server(server, sampler, kill=False)
                self._spent("stop", began_s)

    def _load(self, group: PhaseGroup, server: Server, generator: Generator, sampler: Sampler) -> bool:
        """Run a group of phases; True when the server is proven idle after it."""
        profile = self._setup.profile
        load = Load(
            address=(server.host, server.port),
            phases=group,
            drain_s=profile.drain_s + self._workload.waits_s,
            request_timeout_s=profile.request_timeout_s,
            health_rate_rps=profile.health_rate_rps,
            server=len(self._servers) - 1,
        )

        began_s: float | None = None

        def on_event(event: Started | Progress | Ended) -> None:
            nonlocal began_s
            if began_s is None and isinstance(event, Started):
                began_s = monotonic() - self._origin_s
            match event:
                case Started():
                    sampler.mark(f"{event.phase}:start")
                case Ended():
                    sampler.mark(f"{event.phase}:end")
            self._on_event(event)

        self._begin_services(group)
        done = generator.run(load, on_event, lambda: server.exit_code() is not None)
        records = [placed(record, began_s or 0.0) for record in done.records]
        self._overhead_s["drain"] = self._overhead_s.get("drain", 0.0) + done.drain_s
        # A load that is ended early has no records of the phases after that.
        died = self._who_died(server, records[-1].spec.name if records else group[0].name)
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
        if not server.is_idle(_IDLE_S):
            self._events.append(
                Finding(
                    "not_idle",
                    "info",
                    f"after {group[-1].name} every request was answered, but /health did not say idle within "
                    f"{_IDLE_S * 1e3:.0f} ms: the server was replaced",
                    "nothing; later phases ran on a fresh server",
                )
            )
            return False
        return True

    def _begin_services(self, group: PhaseGroup) -> None:
        """The same load of every strategy of a block meets the same services, whatever asked them before."""
        spec = self._spec
        seed = f"{self._setup.profile.seed}/{spec.block}/{spec.workload}/{group[0].name}"
        self._setup.services.begin(self._workload.services, seed)

    def _who_died(self, server: Server, phase: str) -> HarnessError | None:
        if server.exit_code() is not None:
            return TrialError(f"{self._variant.name}: {server.describe_exit(phase)}")
        return self._service_gone()

    def _service_gone(self) -> HarnessError | None:
        """Without the services every strategy fails, and it is not the strategy's fault."""
        try:
            self._setup.services.check_alive()
        except HarnessError as gone:
            return gone
        return None

    def _skip_if_choked_at_a_rate(self, group: PhaseGroup, rest: Sequence[PhaseGroup]) -> bool:
        """A strategy that chokes at one arrival rate also chokes at every higher one, and its latency there depends
        only on how long we wait. So the higher rates are recorded as skipped."""
        last = group[-1]
        if last.kind is not PhaseKind.RATE or self._phases[-1].status is not PhaseStatus.CHOKED:
            return False
        self._skip(rest, f"choked at {last.rate_rps:.0f} requests/s already")
        return True

    def _skip(self, groups: Sequence[PhaseGroup], reason: str) -> None:
        self._phases += [PhaseRecord(spec=s, status=PhaseStatus.SKIPPED, reason=reason) for g in groups for s in g]

    # ------------------------------------------------------------------------------------------- the processes

    def _launch_server(self) -> Server:
        number = len(self._servers)
        return Server.launch(
            target_of(self._variant, self._setup.root, self._setup.services.environment),
            probe_dir=self._attempt.probe_dir,
            log_path=self._attempt.path / (f"server-{number + 1}.log" if number else "server.log"),
            cpus=self._setup.target_cpus,
            nice=self._setup.target_nice,
            port=self._setup.port,
        )

    def _launch_generator(self) -> Generator:
        return self._setup.launch_generator(
            self._workload,
            root=self._setup.root,
            users=self._setup.profile.max_in_flight,
            latency_path=self._attempt.latency_path,
            log_path=self._attempt.path / "locust.log",
            cpus=self._setup.generator_cpus,
            generators=self._setup.profile.generators,
        )

    def _await_server(self, server: Server, began_s: float) -> None:
        server.wait_ready(self._setup.profile.ready_s)
        ready_s = monotonic()
        self._servers.append(
            ServerRecord(
                port=server.port, boot_s=ready_s - began_s, ready_at_s=ready_s - self._origin_s, pids=server.pids()
            )
        )
        verdict = check_answers(server.host, server.port, self._workload, _VERIFY_S, at_most=_VERIFY_REQUESTS)
        if verdict.status != "ok":
            raise TrialError(f"{self._variant.name}: {verdict.error or 'the route is gone since the pre-flight check'}")
        self._spent("verify", ready_s)

    def _end_server(self, server: Server, sampler: Sampler, *, kill: bool) -> None:
        sampler.unwatch("target")
        if kill:
            server.kill()
            ended = "killed: it was not idle"
        else:
            ended = server.stop(self._setup.profile.shutdown_s)
            if ended.startswith("killed"):
                self._events.append(
                    Finding(
                        "late_shutdown",
                        "info",
                        f"the idle server did not stop on SIGTERM: {ended}",
                        "close pools and clients in the app's lifespan; the figures are not affected",
                    )
                )
        self._servers[-1] = msgspec.structs.replace(self._servers[-1], ended=ended)

    # --------------------------------------------------------------------------------------------- the record

    def _spent(self, what: str, since_s: float) -> None:
        self._overhead_s[what] = self._overhead_s.get(what, 0.0) + monotonic() - since_s

    def _record(self, started_epoch_s: float, error: str, sampler: Sampler, noise: Noise) -> TrialRecord:
        return TrialRecord(
            schema_version=SCHEMA_VERSION,
            spec=self._spec,
            attempt=self._attempt.number,
            status="failed" if error else "complete",
            error=error,
            started_epoch_s=started_epoch_s,
            origin_monotonic_s=self._origin_s,
            elapsed_s=monotonic() - self._origin_s,
            phases=tuple(self._phases),
            servers=tuple(self._servers),
            noise=noise,
            overhead_s={what: round(seconds, 4) for what, seconds in self._overhead_s.items()},
            sampler_cpu_s=sampler.cpu_s,
            sampler_wall_s=sampler.wall_s,
            events=tuple(self._events),
        )
