"""The machine that a run was made on, and who may use which of its CPUs."""

from __future__ import annotations

from msgspec import Struct


class Partition(Struct, frozen=True):
    """Who may use which CPUs. Empty `generator`: all share."""

    available: tuple[int, ...]
    target: tuple[int, ...]
    generator: tuple[int, ...]
    quota_cores: float | None  # the cgroup's, when there is one
    pinned: bool

    @property
    def target_cores(self) -> int:
        cores = len(self.target)
        return max(1, min(cores, int(self.quota_cores) - len(self.generator))) if self.quota_cores else cores

    @property
    def cores_beside_target(self) -> float:
        """For generator and services: those that are reserved for them, else all."""
        cores = len(self.generator) if self.pinned else len(self.available)
        return min(cores, self.quota_cores or cores)


class Environment(Struct, frozen=True, kw_only=True):
    """The machine and the versions a run was made with."""

    system: str
    kernel: str
    machine: str
    cpu_model: str
    logical_cpus: int
    memory_bytes: int
    python: str
    packages: dict[str, str]
    partition: Partition
    hypervisor: str = ""
    cpu_governor: str = ""
    git_commit: str = ""
    git_dirty: bool = False
    notes: tuple[str, ...] = ()  # what this platform cannot tell (no PSS, no pinning, ...)
