"""One life of a server: launched, proven to be ours and right, measured in slices, ended."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time

import msgspec

from harness.driving.generator import LaunchGenerator
from harness.driving.local_generator import LocalGenerator
from harness.machine.partition import TARGET_NICE
from harness.measuring.subject import Subject
from harness.results.records.boot_record import BootRecord
from harness.results.records.errors import HarnessError
from harness.results.records.finding import Finding
from harness.results.records.machine_record import Partition
from harness.results.records.profile import Profile
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.slice_record import SliceRecord
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload
from harness.results.store import BootFolder
from harness.sampling.proc import platform_source
from harness.sampling.process_tree import ProcessTree
from harness.services.running_services import RunningServices
from harness.serving.server import Server

# An idle server answers /health at once. One that needs longer is still busy with earlier requests.
_IDLE_S = 0.25
_VERIFY_REQUESTS = 2  # the pre-flight check has asked all of them; here it is enough to see that they work


@dataclass(frozen=True)
class RunSetup:
    """What all slices of a run share."""

    root: Path
    profile: Profile
    partition: Partition
    services: RunningServices
    subject: Subject
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


class BootError(HarnessError):
    """A server that is not there, or not right, any more."""


class Boot:
    """Launched by the constructor, which returns at once. `wait_ready` before use, `end` after it; whatever happens,
    `record` says so, and is on disk after `end`."""

    def __init__(
        self,
        setup: RunSetup,
        workload: Workload,
        variant: Variant,
        folder: BootFolder,
        session: int,
        port: int | None = None,
    ) -> None:
        """Raises HarnessError when nothing can be started; the record says so."""
        self.variant = variant
        self.folder = folder
        self.origin_s = monotonic()
        self.is_used = False  # something was asked of it beside the two requests that verify it
        self.is_paused = False
        self._setup = setup
        self._workload = workload
        self.record = BootRecord(
            schema_version=SCHEMA_VERSION,
            workload=workload.name,
            variant=variant.name,
            number=folder.number,
            session=session,
            started_epoch_s=time(),
            origin_monotonic_s=self.origin_s,
        )
        try:
            self.server = Server.launch(
                setup.subject.target(variant, setup.services.environment),
                probe_dir=folder.probe_dir,
                log_path=folder.log_path,
                cpus=setup.target_cpus,
                nice=setup.target_nice,
                port=port,
            )
        except HarnessError as error:
            self._note(error=str(error), ended="killed: it could not be started")
            folder.write(self.record)
            raise
        self._tree = ProcessTree(platform_source(), self.server.supervisor_pid)

    def wait_ready(self) -> None:
        """Raises HarnessError when it does not become ready, or answers wrongly; it is ended then."""
        try:
            self.server.wait_ready(self._setup.profile.ready_s)
            self._note(port=self.server.port, boot_s=self.server.booted_s() - self.origin_s, pids=self.server.pids())
            self._verify()
        except HarnessError as error:
            self._note(error=str(error))
            self.end(kill=True)
            raise
        self._tree.read(discover=True)

    def is_idle(self) -> bool:
        return self.server.is_idle(_IDLE_S)

    def describe_silence(self) -> str:
        """Of a server that is not idle although nobody asked it."""
        if self.server.exit_code() is not None:
            return self.server.describe_exit("the slices of others")
        return f"its server did not answer /health within {_IDLE_S:g} s while nobody asked it"

    def cpu_s(self) -> float:
        """What its processes have used so far; one that was started since `look_for_processes` is not seen."""
        return self._tree.read(discover=False).cpu_s

    def look_for_processes(self) -> None:
        """Pools start theirs with the first requests."""
        self._tree.read(discover=True)

    def pss_bytes(self) -> int:
        """Of the processes that are known; 0 where the platform does not tell."""
        return self._tree.pss_bytes() or 0

    def pause(self) -> None:
        """Stop all its processes, while others are measured."""
        self._signal(signal.SIGSTOP)
        self.is_paused = True

    def go_on(self) -> None:
        if self.is_paused:
            self._signal(signal.SIGCONT)
            self.is_paused = False

    def keep(self, record: SliceRecord) -> None:
        """A slice that was measured on it: from here on it is on disk."""
        self._note(slices=(*self.record.slices, record))
        self.folder.save(self.record)

    def spent(self, what: str, seconds: float) -> None:
        overhead_s = {**self.record.overhead_s}
        overhead_s[what] = round(overhead_s.get(what, 0.0) + seconds, 4)
        self._note(overhead_s=overhead_s)

    def sampled(self, cpu_s: float, wall_s: float) -> None:
        """What sampling it has cost."""
        self._note(sampler_cpu_s=self.record.sampler_cpu_s + cpu_s, sampler_wall_s=self.record.sampler_wall_s + wall_s)

    def end(self, *, kill: bool) -> None:
        """Ends every process of it, and writes the record. `kill`: it is not idle, so nobody waits for it."""
        if self.record.ended:
            return
        began_s = monotonic()
        self.go_on()
        if self.record.error:
            self.server.kill()
            ended = "killed: it did not become ready"
        elif (code := self.server.exit_code()) is not None:
            self.server.kill()
            ended = f"exited with {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
        elif kill:
            self.server.kill()
            ended = "killed: it was not idle"
        else:
            ended = self.server.stop(self._setup.profile.shutdown_s)
        self.spent("stop", monotonic() - began_s)
        self._note(ended=ended, lived_s=monotonic() - self.origin_s)
        if ended.startswith("killed: it did not stop") or (not kill and ended.startswith("killed: ")):
            self.remark(
                Finding(
                    "late_shutdown",
                    "info",
                    f"the idle server did not stop on SIGTERM: {ended}",
                    "close pools and clients in the app's lifespan; the figures are not affected",
                )
            )
        self.folder.write(self.record)

    def _verify(self) -> None:
        began_s = monotonic()
        verdict = self._setup.subject.check(
            self.server,
            self.variant,
            self._workload,
            self._setup.profile.request_timeout_s + self._workload.waits_s,
            at_most=_VERIFY_REQUESTS,
        )
        self.spent("verify", monotonic() - began_s)
        if verdict.status != "ok":
            reason = verdict.error or "the route is gone since the pre-flight check"
            raise BootError(f"{self.variant.name}: {reason}")

    def remark(self, finding: Finding) -> None:
        """Something about the boot as a whole: it is kept with its last slice."""
        if self.record.slices:
            *before, last = self.record.slices
            self._note(slices=(*before, msgspec.structs.replace(last, events=(*last.events, finding))))

    def _note(self, **changes: object) -> None:
        self.record = msgspec.structs.replace(self.record, **changes)

    def _signal(self, number: signal.Signals) -> None:
        source = platform_source()
        for pid in source.descendants(self.server.supervisor_pid):
            if pid != self.server.supervisor_pid:  # it must be able to end the others
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
