"""What must be known of a service: how it is started, where it is, how it is asked whether it is ready."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class ServiceOrder:
    """What a service is started with. `token`: it must come back when the service is asked, so that nobody else's
    server is taken for it. `wait_sigma`: how much the waits scatter that it puts into its answers; 0: not at all.
    `own`: the address of one that somebody already has, to be used in place of ours; empty: there is none."""

    host: str
    port: int
    token: str
    wait_sigma: float = 0.0
    seed: int = 1
    own: str = ""


class Service(ABC):
    """Derive from it once in `harness/services/<name>.py`.

    Made in the harness's process: nothing may be started here, and nothing may be imported that takes long.
    """

    # How long it may take to end by itself when it is told to (SIGTERM); 0: it is killed at once.
    stop_s: ClassVar[float] = 0.0
    # How many cores it can use at once; None: as many as there are. Who uses nearly all of them may be the bottleneck.
    most_cores: ClassVar[float | None] = 1.0

    def __init__(self, order: ServiceOrder) -> None:
        self.order = order

    @abstractmethod
    def command(self) -> list[str]:
        """One that stays in the foreground. It is run in the project's folder, and can import `harness`."""

    def environment(self) -> dict[str, str]:
        """Variables for the command, beside those that every process of a run has."""
        return {}

    @property
    @abstractmethod
    def address(self) -> str:
        """What strategies find in `BENCH_<NAME>`."""

    @abstractmethod
    def is_ready(self, timeout_s: float) -> bool:
        """Ask it once. False, OSError or HarnessError: not yet, or somebody else answered."""

    def connections_allowed(self) -> int | None:
        """How many connections all targets together may have, once it is ready; None: there is no such limit."""
        return None

    def begin(self, seed: str) -> None:  # noqa: B027 - most services have nothing to begin
        """A load is about to begin, and nothing else asks. Loads that are compared have the same `seed`: what the
        service draws by chance must depend on it and on the requests alone. Raises OSError or HarnessError when the
        service cannot be told."""
