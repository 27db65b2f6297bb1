import re
from pathlib import Path

import msgspec
import pytest

from harness import plan
from harness.catalog.catalog import Catalog
from harness.cli.order import order_of
from harness.measuring.known import Known
from harness.profiles.loader import check_workloads, load_profile, profile_names
from harness.results.records.errors import UsageError
from harness.results.records.run_record import Preflight
from tests.bench_kit import CHECKOUT

GOOD = (Path(__file__).parents[2] / "harness/profiles/standard.toml").read_text()


def changed(key: str, value: str) -> str:
    """The text with another value of one key."""
    text, many = re.subn(rf"^{key} = .*$", f"{key} = {value}", GOOD, flags=re.MULTILINE)
    assert many == 1, key
    return text


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", profile_names())
def test_built_in_profiles_load_and_say_what_they_are(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert profile.title


def test_a_profile_may_be_any_file(tmp_path: Path) -> None:
    assert load_profile(write(tmp_path, GOOD)).name == "mine"


def test_an_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"--profile standrad: unknown; did you mean standard\?"):
        load_profile("standrad")


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("rounds", "= 3", r"mine\.toml: not TOML: .*line \d+"),
        ("rounds", "0", r"mine\.toml:\d+: .*>= 1.*rounds"),
        ("sessions", "0", r"mine\.toml:\d+: .*>= 1.*sessions"),
        ("capacity_s", '"long"', r"mine\.toml:\d+: .*capacity_s"),
        ("users", "1000", r"max_in_flight: 256 is below the 1000 users"),
        ("warmup_min_s", "3", r"warmup_min_s: 3 is above warmup_s, 1"),
        ("rounds", '3\nname = "mine"', r"mine\.toml:\d+: name: is the file's name; leave it out"),
        ("rounds", "3\nblocks = 3", r"mine\.toml(:\d+)?: .*blocks"),
        ("quiet_s", "nan", r"mine\.toml:\d+: .*quiet_s"),
        ("capacity_s", "inf", r"mine\.toml:\d+: .*capacity_s"),
        ("precision_percent", "0", r"mine\.toml:\d+: .*precision_percent"),
        ("budget_s", "-1", r"mine\.toml:\d+: .*budget_s"),
        ("seed", "1\ndeadline_ms = 0", r"mine\.toml:\d+: .*deadline_ms"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_key(tmp_path: Path, key: str, value: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        load_profile(write(tmp_path, changed(key, value)))


def test_rates_that_do_not_ascend_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"rates: percents .* must ascend"):
        load_profile(write(tmp_path, GOOD.replace("percent = 30", "percent = 80")))


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_profile(str(tmp_path / "none.toml"))


def test_users_for_a_workload_that_is_not_there_are_a_mistake_in_the_name(tmp_path: Path) -> None:
    profile = load_profile(write(tmp_path, GOOD.replace("{ cpu = 16,", "{ gpu = 16,")))
    with pytest.raises(UsageError, match="users_by_workload: there is no workload gpu; there are: cpu, io"):
        check_workloads(profile, ["cpu", "io"])
    with pytest.raises(UsageError, match="workloads: there is no workload gpu"):
        check_workloads(msgspec.structs.replace(profile, users_by_workload={}, workloads=("gpu",)), ["cpu", "io"])
    with pytest.raises(UsageError, match="more_sessions: there is no workload gpu"):
        check_workloads(msgspec.structs.replace(profile, users_by_workload={}, more_sessions={"gpu": 1}), ["cpu", "io"])
    check_workloads(msgspec.structs.replace(profile, users_by_workload={"cpu": 16}, workloads=()), ["cpu", "io"])


@pytest.mark.parametrize("name", ["standard", "thorough"])
def test_a_profile_measures_every_workload_unless_it_says_otherwise(name: str) -> None:
    assert load_profile(name).workloads == ()


def test_what_a_built_in_profile_leaves_out_is_there() -> None:
    """A name that nobody has would be measured again, silently, after the file was renamed."""
    catalog = Catalog.read(Path(__file__).parents[2])
    names = {entry.name for entry in (*catalog.strategies, *catalog.workloads)}
    for name in profile_names():
        assert set(load_profile(name).leave_out) <= names, name


def test_thorough_leaves_nothing_out() -> None:
    assert load_profile("thorough").leave_out == ()


def test_overload_has_a_rate_above_the_capacity_and_the_deadline_of_the_strategy_with_one() -> None:
    profile = load_profile("overload")
    assert [rate.percent for rate in profile.rates] == [70, 150]
    (deadline,) = Catalog.read(Path(__file__).parents[2]).select_strategies(["deadline"])
    assert deadline.params["deadline_ms"] == profile.deadline_ms == 250


# Seconds that one request takes alone: the injected waits, and some milliseconds of work.
ANSWER_S = {
    **{"io": 0.103, "fanout": 0.105, "tail": 0.075, "mixed": 0.108, "db": 0.055, "db_io": 0.16},
    **{"cpu": 0.005, "cpu_native": 0.006, "json": 0.005},
}
BOOT_S = 1.0


@pytest.mark.parametrize(
    ("name", "said", "seconds"),
    [
        ("standard", "in about 10 minutes", 600),
        ("overload", "(about six minutes)", 360),
        ("thorough", "(about three hours and a half)", 12_600),
    ],
)
def test_a_profile_takes_as_long_as_its_title_says(
    name: str, said: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Estimated as before a run, of everything that it measures of what there is today."""
    monkeypatch.chdir(CHECKOUT)
    order, _ = order_of(name, None, None, None, None, Path("results"), None)
    profile = order.profile
    assert said in profile.title
    routes = {strategy.name: strategy.routes for strategy in order.strategies}
    paths = {workload.name: workload.requests[0].path.partition("?")[0] for workload in order.workloads}
    groups = {
        workload: [[variant.name for variant in order.variants if path in routes[variant.strategy]]]
        for workload, path in paths.items()
    }
    checked = [
        Preflight(variant, workload, "ok", boot_s=BOOT_S, answer_s=ANSWER_S[workload])
        for workload, (variants,) in groups.items()
        for variant in variants
    ]
    known = Known(checked, ())
    estimate_s = plan.estimate_s(plan.sessions(groups, profile, known), profile, known)
    assert estimate_s <= (profile.budget_s or 1.2 * seconds), "else sessions are left out, or it takes longer"
    assert max(estimate_s, profile.budget_s) == pytest.approx(seconds, rel=0.2)
