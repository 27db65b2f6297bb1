"""What is answered within the deadline is compared like a capacity; a zero stays a finite ratio, and is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from harness.analysis.cells import JudgedSlice, cells
from harness.analysis.evidence import Analysis, Comparison
from harness.analysis.in_time_comparisons import in_time_comparisons
from harness.analysis.overload_effects import overload_effects
from harness.analysis.overload_record import OverloadEffect
from harness.report.for_programs import decisions_for_programs
from harness.report.overload_lines import overload_lines
from harness.report.palette import Palette
from harness.report.verdicts import comparison_tables
from harness.report.wording import TIMES
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseStatus
from harness.results.records.run_record import RunRecord
from tests import handmade_analysis as handmade
from tests.made_slices import INVALID, PHASE_S, judged, phase, slice
from tests.synthetic_run import run_record

RATE, RATE_RPS = "rate-150", 600.0
QUEUE = "A bounded queue (load_shedding beside async_thread_pool)"
NAMES = ("sync_def", "async_thread_pool", "load_shedding", "pure_async_aiohttp", "deadline")
RUN = run_record(NAMES, ["io"], rounds=3, seed=1, phase_s=PHASE_S, rates_percent=(150,), peculiar=False)
RUN = msgspec.structs.replace(RUN, profile=msgspec.structs.replace(RUN.profile, deadline_ms=250.0))

InTime = Mapping[str, Sequence[float | None]]


def slices(in_time: InTime, *, response_ms: float = 100.0, refused: int = 0, **changes: object) -> list[JudgedSlice]:
    """Of each variant one for each round, every one on a boot of its own. None: the rate was skipped there."""
    made = []
    for name, values in in_time.items():
        for number, in_time_rps in enumerate(values, start=1):
            usual = phase(
                in_time_rps or 1.0,
                rate_rps=RATE_RPS,
                name=RATE,
                in_time_rps=in_time_rps,
                scheduled=round(RATE_RPS * PHASE_S),
                outcomes={Outcome.OK: round(RATE_RPS * PHASE_S) - refused, Outcome.REFUSED: refused},
                status=PhaseStatus.SKIPPED if in_time_rps is None else PhaseStatus.COMPLETE,
            )
            figures = slice(name, number, msgspec.structs.replace(usual, **changes), boot=number)
            spread_us = [int(1000 * response_ms * (0.9 + place / 1000)) for place in range(200)]
            made.append(judged(figures, {RATE: spread_us}))
    return made


def compared(found: Sequence[JudgedSlice], run: RunRecord = RUN) -> dict[str, Comparison]:
    return {made.variant: made for made in in_time_comparisons(run, [each.figures for each in found])}


def test_more_in_time_is_faster_with_an_interval_from_common_rounds() -> None:
    found = compared(slices({"sync_def": (100.0, 110.0, 95.0), "load_shedding": (400.0, 430.0, 390.0)}))
    assert set(found) == {"load_shedding"}
    made = found["load_shedding"]
    assert (made.metric, made.verdict, made.why) == ("in_time_rps@rate-150", "faster", "")
    assert made.ratio.value == pytest.approx(4.0, rel=0.02)
    assert made.ratio.low is not None and made.ratio.high is not None
    assert 3.0 < made.ratio.low < made.ratio.value < made.ratio.high < 5.5
    slower = compared(slices({"sync_def": (400.0, 430.0, 390.0), "deadline": (100.0, 110.0, 95.0)}))["deadline"]
    assert slower.verdict == "slower"


def test_a_zero_counts_as_half_an_answer_and_is_said() -> None:
    found = compared(slices({"sync_def": (0.0, 0.0, 0.0), "load_shedding": (400.0, 430.0, 0.0)}))["load_shedding"]
    half_rps = 0.5 / PHASE_S
    assert found.ratio.value == pytest.approx((400.0 * 430.0 * half_rps) ** (1 / 3) / half_rps)
    assert found.verdict == "open"
    assert found.why == (
        "load_shedding answered nothing in time in 1 of 3 slices: half an answer stands in for it; "
        "sync_def answered nothing in time at all: half an answer stands in for it"
    )


def test_two_that_answer_nothing_in_time_are_not_called_the_same() -> None:
    found = compared(slices({"sync_def": (0.0,) * 3, "async_thread_pool": (0.0,) * 3}))["async_thread_pool"]
    assert (found.ratio.value, found.verdict) == (pytest.approx(1.0), "open")


def test_a_rate_that_was_skipped_once_has_no_ratio() -> None:
    """The slices in which it was asked are the better ones."""
    found = slices({"sync_def": (100.0,) * 3, "load_shedding": (400.0, 400.0, None), "deadline": (500.0,) * 3})
    assert set(compared(found)) == {"deadline"}
    assert compared(slices({"sync_def": (100.0, None, 90.0), "deadline": (500.0,) * 3})) == {}


def test_a_phase_that_choked_is_a_measurement_and_an_invalid_slice_is_none() -> None:
    choked = slices({"sync_def": (100.0, 100.0, 100.0)}, status=PhaseStatus.CHOKED)
    other = slices({"deadline": (500.0, 500.0, 1.0)})
    figures = [each.figures for each in (*choked, *other)]
    figures[-1] = msgspec.structs.replace(figures[-1], findings=(INVALID,), valid=False)
    (made,) = in_time_comparisons(RUN, figures)
    assert (made.ratio.slices, made.ratio.value) == (2, pytest.approx(5.0))


def test_without_a_deadline_or_a_baseline_nothing_is_compared() -> None:
    found = slices({"sync_def": (100.0,) * 3, "deadline": (500.0,) * 3}, in_time_rps=None)
    assert compared(found) == {}
    assert overload_effects(RUN, found) == ()
    some = slices({"sync_def": (100.0,) * 3, "deadline": (500.0,) * 3})
    assert compared(some, msgspec.structs.replace(RUN, baseline=None)) == {}


OVERLOADED: InTime = {
    "sync_def": (0.0, 50.0, 3.0),
    "async_thread_pool": (50.0, 40.0, 38.0),
    "pure_async_aiohttp": (590.0, 600.0, 580.0),
}


def effects(found: Sequence[JudgedSlice]) -> dict[str, OverloadEffect]:
    return {each.variant: each for each in overload_effects(RUN, found)}


def analysis(found: Sequence[JudgedSlice]) -> Analysis:
    return msgspec.structs.replace(
        handmade.analysis(NAMES),
        run=RUN,
        slices=tuple(each.figures for each in found),
        cells=cells(RUN, found),
        comparisons=in_time_comparisons(RUN, [each.figures for each in found]),
        overload_effects=overload_effects(RUN, found),
    )


def test_a_bounded_queue_and_a_deadline_are_compared_with_the_same_without_them() -> None:
    with_queue = slices({"load_shedding": (400.0, 360.0, 365.0)}, response_ms=200.0)
    found = effects(
        [*slices(OVERLOADED, response_ms=1000.0), *with_queue, *slices({"deadline": (590.0, 600.0, 580.0)})]
    )
    queue, deadline = found["load_shedding"], found["deadline"]
    assert (queue.means, queue.without, queue.phase) == ("a bounded queue", "async_thread_pool", RATE)
    assert (deadline.means, deadline.without) == ("a deadline", "pure_async_aiohttp")
    assert (queue.in_time.verdict, queue.p99.verdict) == ("faster", "faster")
    assert queue.in_time.ratio is not None and queue.in_time.ratio.value == pytest.approx(8.8, rel=0.02)
    assert queue.p99.ratio is not None and queue.p99.ratio.value == pytest.approx(0.2, rel=0.01)
    # How `sync_def` scatters, which is not one of the two, does not widen it.
    assert deadline.in_time.verdict == "same"


def test_other_parameters_or_another_server_make_no_pair() -> None:
    found = [*slices(OVERLOADED), *slices({"load_shedding": (400.0,) * 3})]

    def with_threads(name: str, threads: int) -> RunRecord:
        variants = [
            msgspec.structs.replace(each, params={"threads": threads if each.name == name else 40})
            for each in RUN.variants
        ]
        return msgspec.structs.replace(RUN, variants=tuple(variants))

    assert [each.variant for each in overload_effects(with_threads("sync_def", 8), found)] == ["load_shedding"]
    assert overload_effects(with_threads("load_shedding", 8), found) == ()


def test_the_report_says_it_in_one_sentence_for_each() -> None:
    with_queue = slices({"load_shedding": (400.0, 360.0, 365.0)}, response_ms=200.0, refused=1200)
    found = analysis([*slices(OVERLOADED, response_ms=1000.0), *with_queue])
    (line,) = overload_lines(found, "io")
    assert line.startswith(
        f"{QUEUE}: at rate-150 (600/s) 62 % of the arrivals are answered within 250 ms, without it 7.1 % ({TIMES}8.84 ["
    )
    assert f"), p99 is 219 ms, without it 1.10 s ({TIMES}0.200 [" in line
    assert line.endswith("), 50 % are refused.")
    assert overload_lines(found, "cpu") == ()


def test_where_it_decides_nothing_the_sentence_says_so() -> None:
    skipped = analysis([*slices(OVERLOADED), *slices({"load_shedding": (400.0, None, 365.0)})])
    assert overload_lines(skipped, "io") == (f"{QUEUE}: at rate-150 no round counts in which both were asked.",)
    one = {name: values[:1] for name, values in OVERLOADED.items()}
    (line,) = overload_lines(analysis([*slices(one), *slices({"load_shedding": (400.0,)})]), "io")
    assert f"({TIMES}8.00 without an interval: open), p99 is" in line


def test_it_is_in_the_table_of_comparisons_and_in_what_programs_read() -> None:
    found = analysis([*slices(OVERLOADED), *slices({"load_shedding": (400.0, 360.0, 365.0)})])
    (table,) = comparison_tables(found, Palette(NAMES))
    assert table.metric == "Answered in time, rate-150"
    assert table.has_causes
    ((workload, rows),) = table.by_workload
    assert workload == "io"
    badges = {row.variant: row.verdict.word for row in rows}
    assert badges["load_shedding"] in ("▲ more in time", "? open")
    (decision,) = decisions_for_programs(found)
    assert {made.metric for made in decision.comparisons} == {"in_time_rps@rate-150"}
