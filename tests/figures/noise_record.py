"""What `python -m tests.figures.noise_components measure` writes: one JSON line for each boot and each slice."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

Living = Literal["together", "alone"]


class BootLine(Struct, frozen=True, kw_only=True, tag="boot"):
    """Servers that were booted at once, proven, and warmed one after the other. `pss_mib`: of all trees together."""

    workload: str
    living: Living
    epoch: int
    strategies: tuple[str, ...]
    boot_s: float  # until all were ready
    verify_s: float
    warmup_s: float  # with the replacing of those that choked in it
    pss_mib: float | None = None


class SliceLine(Struct, frozen=True, kw_only=True, tag="slice"):
    """One slice. `epoch`: which boot of all servers; `boot`: which life of this one's, so a server that was replaced
    has a number of its own. The seconds named `*_s` but `slice_s` are what a slice costs beside what is measured."""

    workload: str
    living: Living
    strategy: str
    epoch: int
    boot: int
    round: int
    slice_s: float
    started_s: float  # since the command began
    goodput_rps: float
    answers: int  # right ones, from the warm-up's first until the drain's last
    answers_per_tenth: tuple[int, ...]
    warmup_per_tenth: tuple[int, ...]
    choked: bool
    idle_proof_s: float
    warmup_s: float
    drain_s: float
    telling_s: float  # services, messages to and from the generator
    replace_s: float  # a choked server: killed, booted, verified, warmed
    own_cpu_s: float  # of the target's tree, from before the warm-up until after the drain
    others_cpu_s: dict[str, float]  # of each other target's tree in that time
    steal_percent: float | None
    generator_cpu_s: float | None
    generator_wait_s: float | None
    canary_ms: float | None = None  # a fixed loop of the harness just before and just after, the mean of both
    run: int = 0  # which file, when several are read

    @property
    def cores(self) -> float:
        """How many the target used on average."""
        return self.own_cpu_s / (self.slice_s + self.warmup_s + self.drain_s)

    @property
    def cpu_s_per_answer(self) -> float:
        return self.own_cpu_s / max(1, self.answers)

    @property
    def extra_s(self) -> float:
        """What it costs beside the measured time, without replacing."""
        return self.idle_proof_s + self.warmup_s + self.drain_s + self.telling_s


Line = BootLine | SliceLine


def read_noise(paths: Iterable[Path]) -> list[Line]:
    """The lines of all files. The epochs of each file get numbers of their own."""
    lines: list[Line] = []
    first_epoch = 0
    for number, path in enumerate(paths):
        for text in path.read_bytes().splitlines():
            line: Line = msgspec.json.decode(text, type=Line)
            line = msgspec.structs.replace(line, epoch=line.epoch + first_epoch)
            lines.append(msgspec.structs.replace(line, run=number) if isinstance(line, SliceLine) else line)
        first_epoch = max((line.epoch for line in lines), default=-1) + 1
    return lines
