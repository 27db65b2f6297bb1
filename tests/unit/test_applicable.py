"""A selection of which nothing can be measured is refused, with the reasons."""

from __future__ import annotations

import pytest

from harness.measuring.applicable import UnusableSelectionError, require_applicable, require_baseline
from harness.results.records.run_record import Preflight
from harness.results.records.workload import Request, Workload

WORKLOADS = [
    Workload(name, name, "", f"scenarios/{name}.py", (Request(f"/{name}?key=1", 1),)) for name in ("fanout", "cpu")
]


def test_the_route_that_is_missing_and_the_python_that_is_needed() -> None:
    checked = [
        Preflight("two_stage", "fanout", "not_applicable"),
        Preflight("later", "fanout", "not_applicable", "later: needs Python >=3.99, and this is 3.11.2"),
        Preflight("later", "cpu", "not_applicable", "later: needs Python >=3.99, and this is 3.11.2"),
    ]
    with pytest.raises(UnusableSelectionError) as caught:
        require_applicable(checked, WORKLOADS)
    assert str(caught.value) == (
        "nothing to measure: two_stage has no route /fanout (fanout); later: needs Python >=3.99, and this is 3.11.2; "
        "choose other strategies or workloads (`bench list`)"
    )


def test_many_reasons_are_cut_off() -> None:
    with pytest.raises(UnusableSelectionError, match=r"s5 has no route /cpu \(cpu\), and 4 more; choose"):
        require_applicable([Preflight(f"s{n}", "cpu", "not_applicable") for n in range(10)], WORKLOADS)


@pytest.mark.parametrize("status", ["ok", "failed"])
def test_one_that_can_be_measured_or_has_failed_is_enough(status: str) -> None:
    good = Preflight("sync_def", "cpu", status)  # type: ignore[arg-type]
    require_applicable([Preflight("two_stage", "cpu", "not_applicable"), good], WORKLOADS)


def test_a_baseline_that_works_nowhere_would_compare_nothing() -> None:
    checked = [
        Preflight("sync_def", "fanout", "ok"),
        Preflight("two_stage", "fanout", "not_applicable"),
        Preflight("broken", "fanout", "failed", "broken: did not start: ImportError"),
    ]
    with pytest.raises(UnusableSelectionError) as caught:
        require_baseline("two_stage", checked, WORKLOADS)
    assert str(caught.value) == (
        "--baseline two_stage: works on no workload of this run (two_stage has no route /fanout (fanout)); "
        "name another, or leave it out"
    )
    with pytest.raises(UnusableSelectionError, match=r"run \(broken: did not start: ImportError\); name another"):
        require_baseline("broken", checked, WORKLOADS)
    require_baseline("sync_def", checked, WORKLOADS)
    require_baseline(None, checked, WORKLOADS)
    require_baseline("broken", checked[2:], WORKLOADS)  # all have failed, which is what there is to say


def test_a_route_of_another_method_is_named_with_it() -> None:
    post = Workload("work", "", "", "scenarios/work.py", (Request("/orders?a=1", 1, method="POST"),))
    with pytest.raises(UnusableSelectionError, match=r"two_stage has no route POST /orders \(work\);"):
        require_applicable([Preflight("two_stage", "work", "not_applicable")], [post])
