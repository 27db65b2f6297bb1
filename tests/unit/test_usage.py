"""What a tree used over a phase: exact at the marks, interpolated without them, unknown where samples end."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judging.usage import TreeUsage, services_usage, tree_usage
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.sample import Sample

PHASE = PhaseRecord(
    spec=PhaseSpec("capacity", PhaseKind.CAPACITY, 4.0, 64), status=PhaseStatus.COMPLETE, start_s=2.0, end_s=6.0
)


def sample(t_s: float, cpu_s: float, mark: str = "", **more: int) -> Sample:
    base = Sample(t_s=t_s, tree="target", cpu_s=cpu_s, rss_bytes=100, processes=1, mark=mark)
    return msgspec.structs.replace(base, **more)


MARKS = [sample(2.001, 1.0, "capacity:start"), sample(6.001, 5.0, "capacity:end")]


def test_marks_are_exact_and_the_samples_between_do_not_matter() -> None:
    used = tree_usage([*MARKS, sample(1.9, 0.2), sample(2.2, 3.9), sample(6.2, 9.0)], "target", PHASE)
    assert used.cpu_s == pytest.approx(4.0)
    assert used.cores == pytest.approx(1.0)


def test_without_marks_the_neighbours_are_interpolated() -> None:
    used = tree_usage([sample(1.5, 1.0), sample(2.5, 2.0), sample(5.0, 4.5), sample(7.0, 6.5)], "target", PHASE)
    assert used.cpu_s == pytest.approx(5.5 - 1.5)
    assert used.cores == pytest.approx(1.0)


@given(st.lists(st.floats(0, 10), min_size=2, unique=True), st.floats(0, 4))
def test_a_steady_load_gives_its_cores_wherever_samples_lie(times_s: list[float], cores: float) -> None:
    used = tree_usage([sample(t_s, cores * t_s) for t_s in times_s], "target", PHASE)
    if min(times_s) <= 2.0 and max(times_s) >= 6.0:
        assert used.cores == pytest.approx(cores, abs=1e-6)
        assert used.cpu_s == pytest.approx(4 * cores, abs=1e-6)
    else:
        assert used.cpu_s is None


def test_samples_that_were_cut_off_are_no_figure() -> None:
    assert tree_usage([MARKS[0], sample(3.0, 2.0)], "target", PHASE) == TreeUsage()
    assert tree_usage([], "target", PHASE) == TreeUsage()


def test_what_is_answered_after_the_end_is_used_until_the_drain_is_over() -> None:
    phase = msgspec.structs.replace(PHASE, drained_s=6.5)
    after = [sample(6.4, 5.4), sample(6.6, 6.0)]
    marked = tree_usage([*MARKS, *after, sample(6.503, 5.7, "capacity:drained"), sample(7.0, 9.0)], "target", phase)
    assert (marked.cpu_s, marked.cpu_until_drained_s) == (pytest.approx(4.0), pytest.approx(4.7))
    interpolated = tree_usage([*MARKS, *after], "target", phase)
    assert (interpolated.cpu_s, interpolated.cpu_until_drained_s) == (pytest.approx(4.0), pytest.approx(4.7))


def test_samples_that_end_before_the_drain_leave_only_its_figure_unknown() -> None:
    for drained_s in (6.5, 0.0):
        used = tree_usage([sample(0.0, 0.0), *MARKS], "target", msgspec.structs.replace(PHASE, drained_s=drained_s))
        assert (used.cpu_s, used.cpu_until_drained_s) == (pytest.approx(4.0), None)


def test_trees_are_kept_apart() -> None:
    other = [msgspec.structs.replace(s, tree="generator", cpu_s=2 * s.cpu_s) for s in MARKS]
    assert tree_usage([*MARKS, *other], "generator", PHASE).cpu_s == pytest.approx(8.0)
    assert tree_usage([*MARKS, *other], "services", PHASE) == TreeUsage()


def test_services_are_kept_apart_by_their_names() -> None:
    samples = [
        msgspec.structs.replace(s, tree="services", service=name, cpu_s=share * s.cpu_s)
        for s in MARKS
        for name, share in (("upstream", 0.5), ("echo", 0.25))
    ]
    used = services_usage([*MARKS, *samples], PHASE)
    assert {name: usage.cpu_s for name, usage in used.items()} == {"upstream": 2.0, "echo": 1.0}
    older = [msgspec.structs.replace(s, tree="services") for s in MARKS]
    assert list(services_usage(older, PHASE)) == [""]


def test_maxima_are_of_the_phase_and_switches_are_differences() -> None:
    used = tree_usage(
        [
            sample(1.0, 0.5, rss_bytes=900, pss_bytes=800, threads=99, processes=9),
            sample(2.0, 1.0, "capacity:start", ctx_voluntary=10, ctx_involuntary=7),
            sample(4.0, 2.0, rss_bytes=300, pss_bytes=200, threads=41, processes=3),
            sample(6.0, 3.0, "capacity:end", ctx_voluntary=25, ctx_involuntary=6),
        ],
        "target",
        PHASE,
    )
    assert (used.rss_max_bytes, used.pss_max_bytes, used.threads_max, used.processes_max) == (300, 200, 41, 3)
    assert used.ctx_voluntary == 15
    assert used.ctx_involuntary is None  # it fell: a child ended and took its count along
