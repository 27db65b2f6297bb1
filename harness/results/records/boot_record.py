"""A boot, one life of a server: `boot.json`."""

from __future__ import annotations

from msgspec import Struct

from harness.results.records.slice_record import SliceRecord
from harness.results.records.values import Name
from harness.results.records.variant import VariantName


class BootRecord(Struct, frozen=True, kw_only=True):
    """`boot.json`: a server from its launch to its end, with the slices that were measured on it.

    It is written again after each slice, so that nothing measured is lost. `ended` is empty while the server lives, and
    stays so when the harness was killed meanwhile; else "stopped", "killed: ..." or "exited with 1". Times in `slices`
    count from `origin_monotonic_s`, a reading of CLOCK_MONOTONIC.
    """

    schema_version: int
    workload: Name
    variant: VariantName
    number: int  # of the boots of this variant on this workload, from 1 on
    session: int
    started_epoch_s: float
    origin_monotonic_s: float
    port: int = 0
    boot_s: float = 0.0  # launch -> /health ready
    pids: tuple[int, ...] = ()
    ended: str = ""
    error: str = ""  # one line, when it did not become ready
    lived_s: float = 0.0  # so far
    overhead_s: dict[str, float] = {}  # where the time went that is neither warm-up nor slice: boot, verify, drain, ...
    sampler_cpu_s: float = 0.0
    sampler_wall_s: float = 0.0
    slices: tuple[SliceRecord, ...] = ()
