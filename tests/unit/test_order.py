"""What a command line asks for, in a project of the test's own; nothing is started."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.catalog.catalog import Catalog
from harness.cli.order import check_baseline, order_of, sweeps_asked_for, swept_order
from harness.measuring.measure import Order
from harness.results.records.errors import UsageError
from tests.bench_kit import CHECKOUT, Project

USUAL_STRATEGIES = {
    "async_process_pool",
    "async_thread_pool",
    "fake_async",
    "multi_worker",
    "pool_result_blocking",
    "pure_async",
    "pure_async_aiohttp",
    "sync_def",
    "two_stage",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project(tmp_path, ["sync_def", "async_thread_pool", "pure_async"])
    monkeypatch.chdir(tmp_path)
    return made


def ordered(
    strategies: list[str] | None = None, workloads: list[str] | None = None, seed: int | None = None
) -> tuple[Order, tuple[str, ...]]:
    return order_of("tiny.toml", strategies, workloads, None, seed, Path("results"), None)


def names(order: Order) -> list[str]:
    return [variant.name for variant in order.variants]


def test_a_workload_or_strategy_that_is_named_twice_is_measured_once(project: Project) -> None:
    order, _ = ordered(["sync_def", "sync_def"], ["io", "io"])
    assert names(order) == ["sync_def"]
    assert [workload.name for workload in order.workloads] == ["io"]


def test_a_seed_is_the_runs_own(project: Project) -> None:
    assert ordered(seed=7)[0].profile == ordered(seed=7)[0].profile
    assert ordered(seed=7)[0].profile.seed == 7


def test_a_broken_file_is_told_unless_others_of_its_kind_were_named(project: Project) -> None:
    project.target("no_strategy", "def (:\n")
    (project.root / "scenarios" / "no_workload.py").write_text("def (:\n")
    (project.root / "tiny.toml").write_text((project.root / "tiny.toml").read_text().replace('["io"]', "[]"))

    def told(strategies: list[str] | None, workloads: list[str] | None) -> list[str]:
        return [error.partition(".py")[0] for error in ordered(strategies, workloads)[1]]

    assert told(None, None) == ["targets/no_strategy", "scenarios/no_workload"]
    assert told(["sync_def"], None) == ["scenarios/no_workload"]
    assert told(None, ["io"]) == ["targets/no_strategy"]
    assert told(["sync_def"], ["io"]) == []


def test_a_profile_that_names_its_workloads_does_not_miss_a_broken_one(project: Project) -> None:
    (project.root / "scenarios" / "no_workload.py").write_text("def (:\n")
    assert ordered(["sync_def"])[1] == ()


@pytest.mark.parametrize(
    ("baseline", "variants"),
    [
        (None, ["sync_def", "async_thread_pool[threads=4]", "async_thread_pool[threads=8]"]),
        ("pure_async", ["pure_async", "async_thread_pool[threads=4]", "async_thread_pool[threads=8]"]),
        ("async_thread_pool", ["async_thread_pool", "async_thread_pool[threads=4]", "async_thread_pool[threads=8]"]),
        ("async_thread_pool[threads=8]", ["async_thread_pool[threads=4]", "async_thread_pool[threads=8]"]),
    ],
)
def test_a_sweep_measures_its_baseline_along(project: Project, baseline: str | None, variants: list[str]) -> None:
    order = swept_order(ordered(["async_thread_pool"])[0], {"async_thread_pool": ["threads=4,8"]}, baseline)
    assert names(order) == variants
    assert order.baseline == baseline
    files = [strategy.name for strategy in order.strategies]
    assert files == list(dict.fromkeys(name.partition("[")[0] for name in variants))


@pytest.mark.parametrize(
    ("strategy", "param", "variants", "baseline"),
    [
        ("sync_def", "tokens=1,4", ["sync_def", "sync_def[tokens=1]", "sync_def[tokens=4]"], None),
        ("sync_def", "tokens=4,40", ["sync_def[tokens=4]", "sync_def[tokens=40]"], "sync_def[tokens=40]"),
        ("sync_def", "workers=1,2", ["sync_def", "sync_def[workers=2]"], "sync_def"),
    ],
)
def test_the_usual_baseline_may_be_swept_itself_and_nothing_is_measured_twice(
    project: Project, strategy: str, param: str, variants: list[str], baseline: str | None
) -> None:
    order = swept_order(ordered([strategy])[0], {strategy: [param]}, None)
    assert (names(order), order.baseline) == (variants, baseline)
    assert [file.name for file in order.strategies] == [strategy]
    named = swept_order(ordered(["pure_async"])[0], {"pure_async": ["workers=1,2"]}, "pure_async")
    assert names(named) == ["pure_async", "pure_async[workers=2]"]


def test_several_strategies_are_swept_side_by_side(project: Project) -> None:
    params = sweeps_asked_for(["async_thread_pool", "threads=4,8", "pure_async", "workers=1,2"])
    assert params == {"async_thread_pool": ["threads=4,8"], "pure_async": ["workers=1,2"]}
    order = swept_order(ordered(list(params))[0], params, None)
    assert names(order) == [
        "sync_def",
        "async_thread_pool[threads=4]",
        "async_thread_pool[threads=8]",
        "pure_async",
        "pure_async[workers=2]",
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["threads=4"], "threads=4: of which strategy? write STRATEGY threads=4"),
        (["pool"], "pool: which sizes? write pool NAME=V1,V2,V3"),
        (["pool", "threads=4", "other"], "other: which sizes? write other NAME=V1,V2,V3"),
    ],
)
def test_a_sweep_without_a_strategy_or_sizes_is_one_line(words: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(complaint)}$"):
        sweeps_asked_for(words)


def test_without_sync_def_a_sweep_compares_its_own_values(project: Project) -> None:
    (project.root / "targets" / "sync_def.py").unlink()
    order = swept_order(ordered(["async_thread_pool"])[0], {"async_thread_pool": ["threads=4,8"]}, None)
    assert names(order) == ["async_thread_pool[threads=4]", "async_thread_pool[threads=8]"]


def test_a_baseline_that_is_not_there_is_one_line(project: Project) -> None:
    with pytest.raises(UsageError) as caught:
        check_baseline("pure_asink", ["sync_def", "pure_async"])
    assert str(caught.value) == (
        "--baseline pure_asink: is not part of this run; did you mean 'pure_async'? (there are: sync_def, pure_async)"
    )
    with pytest.raises(UsageError, match=r"--baseline x: .* there are: async_thread_pool\[threads=4\], async_thread"):
        swept_order(ordered(["async_thread_pool"])[0], {"async_thread_pool": ["threads=4"]}, "x")


def test_what_a_profile_leaves_out_is_measured_where_somebody_names_it(project: Project) -> None:
    tiny = project.root / "tiny.toml"
    text = tiny.read_text().replace('workloads = ["io"]\n', "")
    tiny.write_text(text + 'leave_out = ["pure_async", "tail", "json", "nobody"]\n')
    order, _ = ordered()
    assert names(order) == ["async_thread_pool", "sync_def"]
    chosen = {workload.name for workload in order.workloads}
    assert {"io", "cpu"} <= chosen and not {"tail", "json"} & chosen
    named, _ = ordered(["pure_async"], ["tail"])
    assert (names(named), [workload.name for workload in named.workloads]) == (["pure_async"], ["tail"])


def test_a_profile_may_name_a_workload_that_it_would_leave_out(project: Project) -> None:
    tiny = project.root / "tiny.toml"
    tiny.write_text(tiny.read_text() + 'leave_out = ["io"]\n')
    assert [workload.name for workload in ordered()[0].workloads] == ["io"]


def test_a_built_in_profile_measures_a_project_that_has_other_workloads(project: Project) -> None:
    """It says how many users `cpu` has, which this project has removed."""
    for name in ("cpu", "fanout", "mixed"):
        (project.root / f"scenarios/{name}.py").unlink()
    order, _ = order_of("quick", None, ["io"], None, None, Path("results"), None)
    assert [workload.name for workload in order.workloads] == ["io"]
    own = (project.root / "tiny.toml").read_text() + "users_by_workload = { cpu = 8 }\n"
    (project.root / "mine.toml").write_text(own)
    with pytest.raises(UsageError, match="profile mine: users_by_workload: there is no workload cpu; there are: "):
        order_of("mine.toml", None, ["io"], None, None, Path("results"), None)


def test_a_profile_that_leaves_nothing_is_refused(project: Project) -> None:
    tiny = project.root / "tiny.toml"
    tiny.write_text(tiny.read_text() + 'leave_out = ["sync_def", "async_thread_pool", "pure_async"]\n')
    with pytest.raises(UsageError, match="profile tiny: leave_out: leaves nothing of async_thread_pool, pure_async"):
        ordered()


@pytest.mark.parametrize(
    ("profile", "workloads"),
    [
        ("smoke", {"mixed"}),
        ("quick", {"io", "fanout", "cpu"}),
        ("standard", {"io", "fanout", "cpu", "mixed"}),
    ],
)
def test_what_must_stay_short_measures_no_more_than_this(
    profile: str, workloads: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CHECKOUT)
    order, _ = order_of(profile, None, None, None, None, Path("results"), None)
    assert {workload.name for workload in order.workloads} == workloads
    assert {strategy.name for strategy in order.strategies} == USUAL_STRATEGIES


def test_thorough_measures_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CHECKOUT)
    catalog = Catalog.read(CHECKOUT)
    order, _ = order_of("thorough", None, None, None, None, Path("results"), None)
    assert order.workloads == catalog.workloads
    assert order.strategies == catalog.strategies
