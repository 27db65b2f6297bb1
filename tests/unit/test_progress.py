"""What of a plan is still to be measured: a round is whole, or it is measured again as a whole."""

from __future__ import annotations

from itertools import groupby

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from harness.measuring.progress import by_session, to_measure
from harness.results.records.boot_record import BootRecord
from harness.results.records.run_record import RunRecord
from harness.results.records.slice_record import SliceRecord, SliceSpec
from tests.made_slices import boot
from tests.synthetic_run import run_record

RUN = run_record(
    ["sync_def", "pure_async"], ["io", "cpu"], rounds=2, seed=1, phase_s=1.0, rates_percent=(30,), peculiar=False
)


def boots_with(specs: list[SliceSpec], status: str = "complete") -> list[BootRecord]:
    """Each slice on a boot of its own."""
    return [boot(SliceRecord(spec=spec, boot=1, status=status, elapsed_s=1.0)) for spec in specs]


def rounds_of(specs: list[SliceSpec]) -> list[tuple[str, int, int]]:
    return [key for key, _ in groupby(specs, key=lambda spec: (spec.workload, spec.session, spec.round))]


def test_of_a_new_run_everything_is_left() -> None:
    assert to_measure(RUN, []) == list(RUN.plan)


def test_of_a_whole_run_nothing_is_left_also_where_slices_failed() -> None:
    assert to_measure(RUN, boots_with(list(RUN.plan))) == []
    assert to_measure(RUN, boots_with(list(RUN.plan), "failed")) == [], "to fail is a result"


@given(st.integers(0, len(RUN.plan)))
def test_a_round_that_was_cut_off_is_measured_again_as_a_whole_and_no_complete_one_is(done: int) -> None:
    left = to_measure(RUN, boots_with(list(RUN.plan[:done])))
    assert left == list(RUN.plan[len(RUN.plan) - len(left) :]), "in the order of the plan, to its end"
    again = done - (len(RUN.plan) - len(left))
    assert 0 <= again < 2, "at most the first of the two slices of one round"
    if again:
        assert left[0].round == RUN.plan[done - 1].round


@given(st.sets(st.sampled_from(range(len(RUN.plan)))))
def test_whichever_slices_are_missing_every_round_is_whole_afterwards(missing: set[int]) -> None:
    there = [spec for at, spec in enumerate(RUN.plan) if at not in missing]
    left = to_measure(RUN, boots_with(there))
    for key, found in groupby(RUN.plan, key=lambda spec: (spec.workload, spec.session, spec.round)):
        own = list(found)
        assert [spec for spec in own if spec in left] in ([], own)
        assert (key in rounds_of(left)) == any(spec not in there for spec in own)


def test_a_slice_of_another_workload_or_round_does_not_complete_a_round() -> None:
    first, second = (spec for spec in RUN.plan if (spec.workload, spec.round) == ("io", 1))
    others = [spec for spec in RUN.plan if spec.variant == second.variant and spec != second]
    left = to_measure(RUN, boots_with([first, *others]))
    assert {first, second} <= set(left)


def test_the_pilot_of_one_group_of_variants_is_not_that_of_the_other() -> None:
    """Where memory does not allow all of them side by side, each group has a pilot, and all pilots are of round 0."""
    first = [SliceSpec(0, at, "io", name, session=1) for at, name in enumerate(("sync_def", "pure_async"))]
    second = [SliceSpec(0, at, "io", name, session=2) for at, name in enumerate(("sync_def", "fake_async"))]
    run = msgspec.structs.replace(RUN, plan=(*first, *second))
    assert to_measure(run, boots_with(first)) == second
    assert to_measure(run, boots_with([*first, second[0]])) == second
    assert to_measure(run, boots_with([*first, *second])) == []


def test_rates_that_no_pilot_could_set_are_not_asked_for_again() -> None:
    def left(rates_rps: dict[str, dict[str, float]]) -> set[tuple[str, str]]:
        run: RunRecord = msgspec.structs.replace(RUN, rates_rps=rates_rps)
        closed = [spec for spec in run.plan if spec.phase == "capacity"]
        return {(spec.workload, spec.phase) for spec in to_measure(run, boots_with(closed))}

    assert left({"io": {}, "cpu": {"rate-30": 30.0}}) == {("cpu", "rate-30")}
    assert left({"io": {}}) == {("cpu", "rate-30")}, "not known yet"


def test_sessions_are_told_apart() -> None:
    found = by_session(RUN.plan)
    assert [{(spec.workload, spec.session) for spec in own} for own in found] == [
        {("io", 1)},
        {("cpu", 1)},
        {("io", 2)},
        {("cpu", 2)},
    ]
    assert [spec for own in found for spec in own] == list(RUN.plan)
