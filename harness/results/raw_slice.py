"""What a boot left on disk, slice by slice, read in order to judge it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.results.histograms import Histograms, read_histograms
from harness.results.records.arrival_times import Arrivals
from harness.results.records.boot_record import BootRecord
from harness.results.records.probe_line import ProbeLine
from harness.results.records.run_record import RunRecord
from harness.results.records.sample import Sample
from harness.results.records.slice_record import SliceRecord
from harness.results.store import BootFolder, Run, StoreError, read_lines

_T = TypeVar("_T")


@dataclass(frozen=True)
class RawSlice:
    """One slice, and the boot that it was measured on. `folder`, relative to the run's, is the boot's. `probes` are the
    boot's lines by worker PID, `samples` those of the slice. `boot_samples`, of the whole boot, are there in its last
    slice only: that one speaks for what the boot did over its life."""

    record: SliceRecord
    boot: BootRecord
    folder: str
    histograms: Histograms
    samples: Sequence[Sample]
    probes: Mapping[int, Sequence[ProbeLine]]
    arrivals: Sequence[Arrivals]
    boot_samples: Sequence[Sample] = ()


def recorded_boots(run: Run, record: RunRecord, broken: list[str]) -> list[tuple[BootFolder, BootRecord]]:
    """Every boot with a record. What cannot be read, or does not belong to its folder, is a line of `broken`."""
    boots = run.recorded_boots(lambda error: broken.append(str(error)))
    return [(folder, boot) for folder, boot in boots if _belongs(run, folder, boot, broken)]


def read_raw_slices(run: Run, folder: BootFolder, boot: BootRecord, broken: list[str]) -> list[RawSlice]:
    """The boot's slices, with the raw data beside the record. A file that cannot be read is a line of `broken`, and
    empty here."""
    if not boot.slices:
        return []
    histograms = _read(lambda: read_histograms(folder.latency_path), Histograms({}), broken)
    samples = _read(folder.samples, list[Sample](), broken)
    probes = _read(lambda: _probes(folder), dict[int, list[ProbeLine]](), broken)
    arrivals = _read(folder.arrivals, list[Arrivals](), broken)
    ran = [any(phase.end_s > phase.start_s for phase in record.phases) for record in boot.slices]
    last = max((number for number, has_run in enumerate(ran, start=1) if has_run), default=len(ran))
    return [
        RawSlice(
            record=record,
            boot=boot,
            folder=folder.path.relative_to(run.path).as_posix(),
            histograms=histograms.of_slice(number),
            samples=_samples_of(number, boot, samples),
            probes=probes,
            arrivals=[line for line in arrivals if line.slice == number],
            boot_samples=samples if number == last else (),
        )
        for number, record in enumerate(boot.slices, start=1)
    ]


def _samples_of(number: int, boot: BootRecord, samples: Sequence[Sample]) -> Sequence[Sample]:
    """From its first phase's start to that of the next slice that ran. A boot is sampled in its slices only, and a mark
    comes a little after the edge that it marks, so its last ones belong to it."""
    began_s = [_began_s(slice) for slice in boot.slices]
    start_s = began_s[number - 1]
    if start_s is None:
        return ()
    until_s = min((at_s for at_s in began_s[number:] if at_s is not None), default=math.inf)
    return [sample for sample in samples if start_s - _CLOCK_S <= sample.t_s < until_s - _CLOCK_S]


_CLOCK_S = 0.001  # two readings of a clock, one after the other, may be told in the other order


def _began_s(slice: SliceRecord) -> float | None:
    return next((phase.start_s for phase in slice.phases if phase.end_s > phase.start_s), None)


def _belongs(run: Run, folder: BootFolder, boot: BootRecord, broken: list[str]) -> bool:
    """Whether the record is of the boot whose folder it lies in."""
    if (boot.number, folder.path) == (folder.number, run.boots_of(boot.workload, boot.variant) / str(boot.number)):
        return True
    broken.append(
        f"{folder.record_path}: is of boot {boot.number} of {boot.variant} on {boot.workload}, which does not belong "
        "there; move it away"
    )
    return False


def _probes(folder: BootFolder) -> dict[int, list[ProbeLine]]:
    """The probe's lines by worker PID; anything else in the folder is left alone."""
    if not folder.probe_dir.is_dir():
        return {}
    files = sorted(path for path in folder.probe_dir.glob("*.jsonl") if path.stem.isdigit())
    return {int(path.stem): read_lines(path, ProbeLine) for path in files}


def _read(read: Callable[[], _T], empty: _T, broken: list[str]) -> _T:
    try:
        return read()
    except StoreError as error:
        broken.append(str(error))
        return empty
