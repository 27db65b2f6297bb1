"""A boot's files hold all its slices; each slice is read with its own part of them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.results.raw_slice import RawSlice, read_raw_slices, recorded_boots
from harness.results.records.arrival_times import Arrivals
from harness.results.records.boot_record import BootRecord
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.probe_line import ProbeLine
from harness.results.records.sample import Sample
from harness.results.records.slice_record import SliceRecord, SliceSpec
from harness.results.store import BootFolder, Run
from tests import handmade_analysis as handmade
from tests.made_slices import boot
from tests.synthetic_session import histogram_of, write_hlog

CLOSED = PhaseSpec("capacity", PhaseKind.CAPACITY, 1.0, 8)
OPEN = PhaseSpec("rate-30", PhaseKind.RATE, 1.0, 8, rate_rps=30.0)


def ran(spec: PhaseSpec, start_s: float) -> PhaseRecord:
    return PhaseRecord(
        spec=spec, status=PhaseStatus.COMPLETE, start_s=start_s, end_s=start_s + 1, drained_s=start_s + 1.2
    )


SKIPPED = PhaseRecord(spec=OPEN, status=PhaseStatus.SKIPPED, reason="choked before")
# Two of the closed loop, one that was skipped, one of a rate.
PHASES = (ran(CLOSED, 2.0), ran(CLOSED, 4.0), SKIPPED, ran(OPEN, 6.0))


def sample(t_s: float, mark: str = "") -> Sample:
    return Sample(t_s=t_s, tree="target", cpu_s=t_s, rss_bytes=1, processes=1, mark=mark)


def arrivals(number: int) -> Arrivals:
    return Arrivals(OPEN, scheduled=30, intended_us=(number,), sent_us=(number,), slice=number)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run.create(tmp_path / "run")
    run.write(handmade.run_record())
    return run


def written(run: Run) -> tuple[BootFolder, BootRecord]:
    folder = run.new_boot("io", "sync_def")
    write_hlog(
        folder.latency_path,
        [
            (f"{phase.spec.name}@{number}.ok.service", phase.start_s, 1.0, histogram_of([1000] * number))
            for number, phase in enumerate(PHASES, start=1)
            if phase.status is not PhaseStatus.SKIPPED
        ],
    )
    encoder = msgspec.json.Encoder()
    times_s = [n / 5 for n in range(40)]
    marks = [sample(4.001, "capacity:start"), sample(5.003, "capacity:end"), sample(7.21, "rate-30:drained")]
    folder.samples_path.write_bytes(encoder.encode_lines(sorted([*map(sample, times_s), *marks], key=lambda s: s.t_s)))
    folder.arrivals_path.write_bytes(encoder.encode_lines([arrivals(4)]))
    (folder.probe_dir / "71.jsonl").write_bytes(encoder.encode_lines([ProbeLine(t_s=1002.5, requests=3, in_flight=1)]))
    (folder.probe_dir / "notes.jsonl").write_text("not a worker's\n")
    slices = tuple(
        SliceRecord(spec=SliceSpec(n, 0, "io", "sync_def"), boot=1, elapsed_s=1.0, phases=(phase,))
        for n, phase in enumerate(PHASES)
    )
    record = boot(*slices)
    folder.write(record)
    return folder, record


def read(run: Run) -> list[RawSlice]:
    broken: list[str] = []
    found = read_raw_slices(run, *written(run), broken)
    assert broken == []
    return found


def test_each_slice_has_the_histograms_of_its_number(run: Run) -> None:
    found = read(run)
    assert [one.record.spec.round for one in found] == [0, 1, 2, 3]
    totals = [one.histograms.merged("capacity", [Outcome.OK], Metric.SERVICE).total for one in found]
    assert totals == [1, 2, 0, 0]
    assert [len(one.histograms.intervals) for one in found] == [1, 1, 0, 1]


def test_each_slice_has_the_samples_of_its_time_with_both_edges(run: Run) -> None:
    first, second, skipped, last = (one.samples for one in read(run))
    assert (first[0].t_s, first[-1].t_s) == (2.0, 3.8), "up to the next slice: a boot is sampled in its slices only"
    assert {"capacity:start", "capacity:end"} <= {one.mark for one in second}
    assert "rate-30:drained" in {one.mark for one in last}, "a mark is sampled a little after its edge"
    assert list(skipped) == []
    assert not {one.t_s for one in first} & {one.t_s for one in second}


def test_each_slice_has_its_own_arrivals_and_all_have_the_boots_probe_lines(run: Run) -> None:
    found = read(run)
    assert [[line.intended_us for line in one.arrivals] for one in found] == [[], [], [], [(4,)]]
    assert [list(one.probes) for one in found] == [[71]] * 4


def test_the_last_slice_speaks_for_the_whole_life_of_its_boot(run: Run) -> None:
    *before, last = read(run)
    assert [len(one.boot_samples) for one in before] == [0, 0, 0]
    assert len(last.boot_samples) == 43


def test_a_slice_knows_its_boot_and_where_its_files_are(run: Run) -> None:
    for one in read(run):
        assert one.folder == "boots/io-sync_def/1"
        assert one.boot.slices[one.record.spec.round] == one.record


def test_a_boot_without_slices_and_one_without_files_are_read(run: Run) -> None:
    folder = run.new_boot("io", "pure_async")
    assert read_raw_slices(run, folder, boot(number=1, variant="pure_async"), []) == []
    slice = SliceRecord(spec=SliceSpec(1, 0, "io", "pure_async"), boot=1, elapsed_s=0.0, phases=(PHASES[0],))
    broken: list[str] = []
    (found,) = read_raw_slices(run, folder, boot(slice), broken)
    assert (found.samples, found.arrivals, dict(found.probes), broken) == ([], [], {}, [])


def test_a_record_in_the_folder_of_another_boot_is_named_and_left_out(run: Run) -> None:
    folder, record = written(run)
    other = run.new_boot("io", "sync_def")
    other.write(record)
    broken: list[str] = []
    found = recorded_boots(run, run.read(), broken)
    assert [(each.path, boot) for each, boot in found] == [(folder.path, record)]
    (line,) = broken
    assert line.startswith(f"{other.record_path}: is of boot 1 of sync_def on io") and line.endswith("move it away")
