from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.report import timeline
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.sample import Sample

MIB = 1024 * 1024


def sample(t_s: float, cpu_s: float, *, pss_mib: float | None = None) -> Sample:
    pss_bytes = None if pss_mib is None else int(pss_mib * MIB)
    return Sample(t_s=t_s, tree="target", cpu_s=cpu_s, rss_bytes=100 * MIB, processes=1, pss_bytes=pss_bytes)


def phase(name: str, start_s: float, end_s: float, status: PhaseStatus = PhaseStatus.COMPLETE) -> PhaseRecord:
    spec = PhaseSpec(name, PhaseKind.CAPACITY, 4.0, 8)
    return PhaseRecord(spec=spec, status=status, start_s=start_s, end_s=end_s, drained_s=end_s)


def test_cores_are_cpu_seconds_per_second() -> None:
    line = timeline.cores_curve([sample(0.0, 1.0), sample(1.0, 1.5), sample(2.0, 3.5)], step_s=0.4)
    assert line.t_s == (0.5, 1.5)
    assert line.values == pytest.approx((0.5, 2.0))


def test_two_services_are_two_curves_with_a_gap_between() -> None:
    services = [
        Sample(t_s=t_s, tree="services", cpu_s=cpu_s, rss_bytes=1, processes=1, service=name)
        for t_s in (0.0, 1.0, 2.0)
        for name, cpu_s in (("echo", 5.0 + t_s), ("upstream", 0.25 * t_s))
    ]
    line = timeline.of_boot(services, []).cores["services"]
    assert line.t_s == (0.5, 1.5, 0.5, 0.5, 1.5)
    assert line.values == pytest.approx((1.0, 1.0, math.nan, 0.25, 0.25), nan_ok=True)


@given(st.lists(st.tuples(st.floats(0.01, 0.9), st.floats(0.0, 2.0)), min_size=2, max_size=60))
def test_no_cpu_time_is_lost_or_made_by_coarser_steps(steps: list[tuple[float, float]]) -> None:
    """Whatever the samples' spacing, the average of the curve is the average of the cumulative times."""
    t_s, cpu_s, samples = 0.0, 0.0, [sample(0.0, 0.0)]
    for dt_s, share in steps:
        t_s, cpu_s = t_s + dt_s, cpu_s + dt_s * share
        samples.append(sample(t_s, cpu_s))
    assume(t_s >= 0.4)  # what is shorter has a test of its own
    line = timeline.cores_curve(samples, step_s=0.4)
    for value in line.values:
        assert -1e-9 <= value <= max(share for _, share in steps) + 1e-6
    starts = [2 * middle for middle in line.t_s]
    covered_s, burnt_s, start_s = 0.0, 0.0, 0.0
    for twice_s, value in zip(starts, line.values, strict=True):
        end_s = twice_s - start_s
        burnt_s += value * (end_s - start_s)
        covered_s, start_s = end_s, end_s
    if covered_s:
        expected_s = next(s.cpu_s for s in samples if s.t_s == pytest.approx(covered_s, abs=1e-6))
        assert burnt_s == pytest.approx(expected_s, abs=1e-6)


def test_between_two_slices_the_curves_break() -> None:
    """Others are measured meanwhile, and nobody samples: a line from one slice to the next would be made up."""
    first = [sample(0.0, 5.0), sample(1.0, 6.0)]
    second = [sample(9.0, 6.5), sample(10.0, 7.0)]
    line = timeline.cores_curve([*first, *second], 0.4)
    assert [math.isnan(value) for value in line.values] == [False, True, False]
    assert line.values[2] == pytest.approx(0.5)
    assert line.largest == pytest.approx(1.0)
    memory = timeline.of_boot([*first, *second], []).rss_mib
    assert [math.isnan(value) for value in memory.values] == [False, False, True, False, False]


def test_a_slice_that_is_shorter_than_a_step_is_drawn_as_a_whole() -> None:
    """Half a core for 0.3 s, and memory that was read once in it."""
    samples = [
        sample(start_s + t / 10, (start_s + t / 10) / 2, pss_mib=80 if t == 1 else None)
        for start_s in (0, 9)
        for t in range(4)
    ]
    shown = timeline.of_boot(samples, [])
    cores = shown.cores["target"]
    assert cores.values == pytest.approx((0.5, 0.5, math.nan, 0.5, 0.5), nan_ok=True)
    assert cores.t_s[1] - cores.t_s[0] == pytest.approx(0.3)
    assert shown.pss_mib.values == pytest.approx((80, 80, math.nan, 80, 80), nan_ok=True)
    assert shown.pss_mib.t_s[1] - shown.pss_mib.t_s[0] == pytest.approx(0.3)


def test_memory_is_pss_where_it_was_read_and_rss_everywhere() -> None:
    shown = timeline.of_boot([sample(0, 0, pss_mib=80), sample(0.5, 0.1), sample(1.0, 0.2, pss_mib=90)], [])
    assert shown.pss_mib.values == (80.0, 90.0)
    assert shown.rss_mib.values == (100.0, 100.0, 100.0)
    assert shown.memory_max_mib == 100.0


def test_a_long_boot_has_few_points() -> None:
    samples = [sample(t / 5, t / 10) for t in range(5 * 3600)]
    shown = timeline.of_boot(samples, [phase("capacity", 1.0, 3500.0)])
    assert len(shown.cores["target"].values) < 150
    assert len(shown.rss_mib.values) < 150


def test_a_long_boot_of_short_slices_shows_each_of_them() -> None:
    """Half a core for a second, every ten seconds, for ten minutes."""
    samples = [sample(10 * n + t / 5, n + t / 10, pss_mib=80) for n in range(60) for t in range(6)]
    shown = timeline.of_boot(samples, [])
    drawn = [value for value in shown.cores["target"].values if not math.isnan(value)]
    assert 60 <= len(drawn) <= 180
    assert drawn == pytest.approx([0.5] * len(drawn))
    assert sum(not math.isnan(value) for value in shown.pss_mib.values) >= 60


def test_the_time_in_which_others_were_measured_is_cut_short() -> None:
    """Two slices of a second, nine seconds apart, after a boot of three seconds: all of it within three seconds."""
    samples = [sample(start_s + t / 5, t / 10) for start_s in (3.0, 13.0) for t in range(6)]
    shown = timeline.of_boot(samples, [phase("capacity", 3.2, 4.0), phase("rate-70", 13.2, 14.0)])
    assert 2.0 < shown.end_s < 3.0
    assert [band.end_s - band.start_s for band in shown.bands] == pytest.approx([0.8, 0.8])
    first, second = shown.bands
    assert first.start_s > 0.0 and first.end_s < second.start_s and second.end_s <= shown.end_s
    curve = shown.cores["target"]
    drawn_s = [t_s for t_s, cores in zip(curve.t_s, curve.values, strict=True) if not math.isnan(cores)]
    assert all(any(band.start_s - 0.3 <= t_s <= band.end_s + 0.3 for t_s in drawn_s) for band in shown.bands)
    assert all(any(band.start_s - 0.3 <= t_s <= band.end_s + 0.3 for band in shown.bands) for t_s in drawn_s)


def test_bands_are_the_phases_that_ran() -> None:
    shown = timeline.of_boot([], [phase("warmup", 1, 2), phase("rate-70", 0, 0, PhaseStatus.SKIPPED)])
    assert [band.name for band in shown.bands] == ["warmup"]
    assert shown.end_s == 2.0


def test_drawn_with_units_and_phases() -> None:
    shown = timeline.of_boot([sample(t / 5, t / 10) for t in range(100)], [phase("capacity", 2, 18)])
    svg = timeline.draw_timeline(shown, "Over time", cores_top=shown.cores_max, memory_top_mib=shown.memory_max_mib)
    said = [element.text for element in ElementTree.fromstring(svg).iter("text")]
    assert {"cores", "MiB", "seconds (other strategies' time cut out)", "capacity"} <= set(said)


def test_a_boot_without_samples_is_drawn_empty() -> None:
    shown = timeline.of_boot([], [])
    svg = timeline.draw_timeline(shown, "Over time", cores_top=shown.cores_max, memory_top_mib=shown.memory_max_mib)
    assert ElementTree.fromstring(svg).get("role") == "img"
