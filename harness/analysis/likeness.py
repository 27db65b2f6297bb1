"""What figures of two runs differ in beside what was measured: the machine, the versions, the code. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harness.results.records.machine_record import Environment, Partition
from harness.results.records.run_record import RunRecord
from harness.results.records.strategy import Strategy
from harness.results.records.text import count
from harness.results.records.workload import Workload

_MACHINE = {"system": "system", "machine": "architecture", "cpu_model": "CPU", "logical_cpus": "logical CPUs"}
_SOFTWARE = {"kernel": "kernel", "python": "interpreter"}
_NAMED_AT_MOST = 6


def is_same_machine(one: Environment, other: Environment) -> bool:
    """As far as it can be told: another one of the same kind is the same."""
    return one.partition == other.partition and all(getattr(one, name) == getattr(other, name) for name in _MACHINE)


def unlike(other: RunRecord, own: RunRecord) -> tuple[str, ...]:
    """In what the conditions of `other` were not those of `own`, which is called "here"."""
    return tuple(_unlike(other, own))


def _unlike(other: RunRecord, own: RunRecord) -> Iterator[str]:
    there, here = other.environment, own.environment
    for name, said in (_MACHINE | _SOFTWARE).items():
        if getattr(there, name) != getattr(here, name):
            yield f"{said} {getattr(there, name)}, here {getattr(here, name)}"
    if there.partition != here.partition:
        yield _partitions(there.partition, here.partition)
    yield from _shortened([*_packages(there, here)], "package")
    if other.instrument != own.instrument:
        yield "other code of the harness measured it"
    if changed := _changed_code(other, own):
        yield f"other code of {', '.join(_shortened(changed, 'file'))}"


def _partitions(there: Partition, here: Partition) -> str:
    if there.target_cores == here.target_cores:
        return "other CPUs for the target or the load"
    return f"{count(there.target_cores, 'core')} for the target, here {here.target_cores}"


def _packages(there: Environment, here: Environment) -> Iterator[str]:
    for name in sorted(there.packages.keys() | here.packages.keys()):
        versions = [each.packages.get(name, "not installed") for each in (there, here)]
        if versions[0] != versions[1]:
            yield f"{name} {versions[0]}, here {versions[1]}"


def _changed_code(other: RunRecord, own: RunRecord) -> list[str]:
    """The files of strategies and workloads that both have."""
    theirs: tuple[Strategy | Workload, ...] = (*other.strategies, *other.workloads)
    ours: tuple[Strategy | Workload, ...] = (*own.strategies, *own.workloads)
    here = {each.path: each.digest for each in ours}
    return [each.path for each in theirs if each.digest and here.get(each.path, each.digest) not in ("", each.digest)]


def _shortened(names: list[str], what: str) -> list[str]:
    more = len(names) - _NAMED_AT_MOST
    return names if more <= 0 else [*names[:_NAMED_AT_MOST], f"{count(more, f'more {what}')}"]
