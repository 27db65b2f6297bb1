"""What else the machine did while a calibration ran, and what would make the next one more exact. Pure."""

from __future__ import annotations

from msgspec import Struct

from harness.results.records.machine_record import Partition
from harness.results.records.noise_record import Noise

# Lower values need no action: an idle desktop or a quiet virtual machine shows them all the time.
_STEAL_PERCENT = 0.5
_OTHERS_CORES = 0.05
_PRESSURE_PERCENT = 10.0  # the calibration's own processes wait for each other a little, too
_NAMED = 3


class OtherProcess(Struct, frozen=True):
    """A program that does not belong to the calibration, and the cores that it used meanwhile."""

    name: str
    cores: float


class Conditions(Struct, frozen=True, kw_only=True):
    """`others`: the busiest first. Empty `server_cpus`: server and generator shared `available_cpus`."""

    noise: Noise
    others: tuple[OtherProcess, ...]
    available_cpus: tuple[int, ...]
    server_cpus: tuple[int, ...] = ()
    generator_cpus: tuple[int, ...] = ()

    @classmethod
    def of(cls, noise: Noise, others: tuple[OtherProcess, ...], partition: Partition) -> Conditions:
        apart = partition.pinned
        return cls(
            noise=noise,
            others=others,
            available_cpus=partition.available,
            server_cpus=partition.target if apart else (),
            generator_cpus=partition.generator if apart else (),
        )


def conditions_lines(conditions: Conditions) -> tuple[str, ...]:
    """What was seen, and what would help; whole sentences."""
    seen = "; ".join((*_disturbances(conditions), _cpus(conditions)))
    help_ = _help(conditions)
    return (f"While it ran: {seen}.", *([f"What would make it more exact: {'; '.join(help_)}."] if help_ else []))


def _disturbances(conditions: Conditions) -> tuple[str, ...]:
    noise, cpus = conditions.noise, len(conditions.available_cpus)
    said = []
    if _is_stolen(conditions):
        said.append(f"other tenants of the host took {noise.steal_percent:.1f} % of the CPU time (steal)")
    if busy := _busy_others(conditions):
        total = sum(one.cores for one in conditions.others)
        named = ", ".join(f"{one.name} {one.cores:.2f}" for one in busy[:_NAMED])
        said.append(f"other programs used {total:.2f} of {cpus} CPUs ({named})")
    if noise.cpu_pressure_percent is not None and noise.cpu_pressure_percent >= _PRESSURE_PERCENT:
        said.append(f"in {noise.cpu_pressure_percent:.0f} % of the time a process had to wait for a CPU")
    if noise.throttled_s:
        said.append(f"the container's CPU quota stopped it for {noise.throttled_s:.1f} s")
    if noise.load_1m is not None and noise.load_1m >= 0.5 * cpus:
        said.append(f"the machine was at work when it began (load average {noise.load_1m:.1f} on {cpus} CPUs)")
    return tuple(said) or ("nothing else used the machine, as far as it can tell",)


def _cpus(conditions: Conditions) -> str:
    if conditions.server_cpus and conditions.generator_cpus:
        server, generator = _numbers(conditions.server_cpus), _numbers(conditions.generator_cpus)
        return f"server on CPU {server}, generator on CPU {generator}"
    return f"server and generator shared CPU {_numbers(conditions.available_cpus)}"


def _help(conditions: Conditions) -> tuple[str, ...]:
    said = []
    if busy := _busy_others(conditions):
        said.append(f"end {', '.join(one.name for one in busy[:_NAMED])}")
    if _is_stolen(conditions):
        said.append("a host with fewer tenants, or another hour")
    if conditions.noise.throttled_s:
        said.append("a larger CPU quota for the container")
    if not conditions.server_cpus and len(conditions.available_cpus) < 4:
        said.append("4 or more CPUs, where server and generator get their own")
    return tuple(said)


def _is_stolen(conditions: Conditions) -> bool:
    return (conditions.noise.steal_percent or 0.0) >= _STEAL_PERCENT


def _busy_others(conditions: Conditions) -> tuple[OtherProcess, ...]:
    return tuple(one for one in conditions.others if one.cores >= _OTHERS_CORES)


def _numbers(cpus: tuple[int, ...]) -> str:
    return ", ".join(map(str, cpus))
