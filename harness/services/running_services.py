"""The services of a run: started once, ready before anything is measured, named when one is gone."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Self

from harness.processes.ports import HOST, free_port
from harness.processes.process import Supervised, child_environment
from harness.results.records.errors import HarnessError, UsageError
from harness.results.records.text import printable
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload
from harness.services.connections import fit_together, too_many_connections
from harness.services.service import Service, ServiceOrder
from harness.services.service_files import SERVICES_FOLDER, environment_name, service_class

_CHECKOUT = Path(__file__).parents[2]  # so that a service's process imports this harness and no other
_READY_S = 15.0
_ASK_S = 1.0
_POLL_S = 0.02
_SHOWN_CHARACTERS = 400


class ServiceError(HarnessError):
    """A service did not start, has ended, or could not be told something."""


class RunningServices:
    """Everything that `workloads` need. Leaving the `with` block ends it."""

    def __init__(
        self,
        workloads: Iterable[Workload],
        *,
        root: Path,
        log_folder: Path,
        wait_sigma: float = 0.0,
        seed: int = 1,
        cpus: Sequence[int] | None = None,
        services_folder: Path = SERVICES_FOLDER,
        own: Mapping[str, str] | None = None,
    ) -> None:
        """Starts all at once, `log_folder/<name>.log` each. Raises UsageError for one that there is no file for. `own`:
        the addresses of those that somebody already has, by name."""
        there = own or {}
        names = sorted({name for workload in workloads for name in workload.services})
        kinds = {name: service_class(name, services_folder) for name in names}
        with ExitStack() as stack:
            self._services = {
                name: stack.enter_context(
                    _RunningService(
                        name,
                        kind(
                            ServiceOrder(
                                HOST, free_port(), secrets.token_hex(16), wait_sigma, seed, own=there.get(name, "")
                            )
                        ),
                        root=root,
                        log_path=log_folder / f"{name}.log",
                        cpus=cpus,
                    )
                )
                for name, kind in kinds.items()
            }
            self._stack = stack.pop_all()

    @property
    def environment(self) -> Mapping[str, str]:
        """Where strategies find them."""
        return {environment_name(name): running.service.address for name, running in self._services.items()}

    @property
    def supervisor_pids(self) -> Mapping[str, int]:
        """By name."""
        return {name: running.process.supervisor_pid for name, running in self._services.items()}

    @property
    def sampled_pids(self) -> Mapping[str, int]:
        """Those of them that work for the run: of what somebody already has, only a watcher of ours is among them."""
        return {name: pid for name, pid in self.supervisor_pids.items() if not self._services[name].service.order.own}

    def most_cores(self, there: float) -> dict[str, float]:
        """How many of the cores that are `there` for them each can use at once, by name."""
        limits = {name: running.service.most_cores for name, running in self._services.items()}
        return {name: there if limit is None else min(limit, there) for name, limit in limits.items()}

    def connections_allowed(self) -> int | None:
        """How many connections targets may have together; None: as many as they like. Known when all are ready."""
        found = (running.service.connections_allowed() for running in self._services.values())
        return min((limit for limit in found if limit is not None), default=None)

    def missing(self, variant: Variant) -> str:
        """Which service it needs that no workload starts; empty: none."""
        names = sorted(set(variant.services) - set(self._services))
        return f"needs the service {names[0]}, which no workload of this run has" if names else ""

    def no_room_for(self, variant: Variant) -> str:
        """Why it cannot have its connections; empty: it can."""
        return too_many_connections(variant, self.connections_allowed())

    def have_room_for(self, variants: Iterable[Variant]) -> bool:
        """Whether all of them can have their connections at once."""
        return fit_together(variants, self.connections_allowed())

    def check_parameters(self, variants: Iterable[Variant]) -> None:
        """Raises UsageError for a parameter that would arrive in the variable of a service."""
        for variant in variants:
            for parameter in variant.params:
                if environment_name(parameter) in self.environment:
                    raise UsageError(
                        f"{variant.path}: PARAMS: {parameter!r} is the name of a service, whose address is in "
                        f"{environment_name(parameter)}; choose another name"
                    )

    def wait_ready(self) -> None:
        """Raises ServiceError when one has ended, or does not answer with its own token in time."""
        deadline_s = monotonic() + _READY_S
        for running in self._services.values():
            running.wait_ready(deadline_s)

    def check_alive(self) -> None:
        """Raises ServiceError that names one which has ended."""
        for running in self._services.values():
            running.check_alive()

    def begin(self, names: Iterable[str], seed: str) -> None:
        """Tell the services `names` that a load is about to begin; see `Service.begin`. Raises ServiceError."""
        for name in names:
            running = self._services[name]
            try:
                running.service.begin(seed)
            except (OSError, HarnessError) as error:
                running.check_alive()
                raise ServiceError(f"{name}: could not be told that a load begins: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


class _RunningService:
    def __init__(self, name: str, service: Service, *, root: Path, log_path: Path, cpus: Sequence[int] | None) -> None:
        self._name = name
        self.service = service
        self._log_path = log_path
        self.process = Supervised(
            service.command(),
            cwd=root,
            env=child_environment(_CHECKOUT) | service.environment(),
            log_path=log_path,
            cpus=cpus,
            scratch_in=log_path.parent,
        )

    def wait_ready(self, deadline_s: float) -> None:
        while not self._is_ready():
            if self.process.exit_code() is not None:
                raise ServiceError(f"{self._name}: did not start: {self.process.ended()}{self._last_words()}")
            if monotonic() > deadline_s:
                port = self.service.order.port
                raise ServiceError(
                    f"{self._name}: not ready within {_READY_S:g} s on port {port}; see {self._log_path}"
                )
            sleep(_POLL_S)

    def check_alive(self) -> None:
        if self.process.exit_code() is not None:
            said = self._last_words() if self.process.exit_code() == 1 else ""  # its own way to say why
            raise ServiceError(f"{self._name}: {self.process.ended()}{said}; see {self._log_path} and --resume the run")

    def _last_words(self) -> str:
        self.process.kill()  # so that its log is whole
        lines = self._log_path.read_text(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return f": {printable(said[-1])[:_SHOWN_CHARACTERS]}" if said else ", its log says nothing"

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError, HarnessError):
            return self.service.is_ready(_ASK_S)
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.service.stop_s:
            self.process.stop(self.service.stop_s)
        self.process.kill()
