"""`bench run --profile overload` on the real thing, shorter: what an unbounded queue, a bounded one and a deadline make
of more than can be served, and what the page says of it."""

import re

import pytest

from harness.analysis.analyse import analyse
from harness.analysis.evidence import Analysis, CellPhase
from harness.report import wording
from harness.results.records.outcome import Outcome
from harness.results.store import Run
from tests.bench_kit import CHECKOUT, Project
from tests.free_cores import once_two_cores_are_free, two_processes

STRATEGIES = ("sync_def", "load_shedding", "deadline")
RATES = (70, 150)
DEADLINE_MS = 250.0
# 40 users: then the waits alone limit whoever has 40 threads or more, and half as much again is more than those serve.
SHORTER = {
    "workloads": '["io"]',
    "users": "40",
    "sessions": "1",
    "pilot_idle_s": "0.0",
    "quiet_s": "0.0",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("overload"), STRATEGIES)
    profile = (CHECKOUT / "harness/profiles/overload.toml").read_text()
    for key, value in SHORTER.items():
        profile, many = re.subn(rf"^{key} = .*$", f"{key} = {value}", profile, flags=re.MULTILINE)
        assert many == 1, key
    # What is judged here holds beside others, too.
    (made.root / "shorter.toml").write_text(f"{profile}others_most_cores = 100.0\n")
    chosen = [part for name in STRATEGIES for part in ("-s", name)]
    with two_processes() as pool:
        once_two_cores_are_free(pool)  # the rates are a share of what the pilot finds
    ended = made.bench("run", "--profile", "shorter.toml", *chosen)
    assert ended.measured_everything, ended.err
    made.assert_nothing_is_left()
    return made


@pytest.fixture(scope="module")
def phases(project: Project) -> dict[tuple[str, int], CellPhase]:
    """By strategy and percent."""
    analysis: Analysis = analyse(Run.open(project.run_folder))
    assert analysis.run.profile.deadline_ms == DEADLINE_MS
    found = {cell.variant: cell.phases for cell in analysis.cells}
    return {(name, percent): found[name][f"rate-{percent}"] for name in STRATEGIES for percent in RATES}


def in_time(phases: dict[tuple[str, int], CellPhase], name: str, percent: int) -> float:
    share = phases[name, percent].in_time_share
    assert share is not None
    return share


def p99_ms(phases: dict[tuple[str, int], CellPhase], name: str, percent: int) -> float:
    p99 = phases[name, percent].response_p99
    assert p99 is not None
    return p99.value_ms


def test_an_unbounded_queue_answers_too_late_what_a_bounded_one_answers_in_time(
    phases: dict[tuple[str, int], CellPhase],
) -> None:
    shares = {(name, percent): in_time(phases, name, percent) for name, percent in phases}
    print(f"\nin time: {shares}")
    assert shares["load_shedding", 150] > 1.3 * shares["sync_def", 150]
    refused = phases["load_shedding", 150].outcomes
    assert refused[Outcome.REFUSED] > 0.05 * sum(refused.values())
    assert Outcome.REFUSED not in phases["sync_def", 150].outcomes


def test_an_unbounded_queue_has_a_longer_tail_than_the_other_two(
    phases: dict[tuple[str, int], CellPhase],
) -> None:
    found = {(name, percent): p99_ms(phases, name, percent) for name, percent in phases}
    print(f"\np99: {found}")
    assert found["sync_def", 150] > 1.5 * DEADLINE_MS
    assert found["load_shedding", 150] < 0.7 * found["sync_def", 150]
    assert found["deadline", 150] < 0.7 * found["sync_def", 150]


def test_the_page_says_how_many_were_in_time_and_what_the_p99_is(
    project: Project, phases: dict[tuple[str, int], CellPhase]
) -> None:
    page = Run.open(project.run_folder).report_path.read_text()
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "In time within 250 ms" in words
    for (name, percent), phase in phases.items():
        figure, p99 = phase.in_time_rps, phase.response_p99
        assert figure is not None and p99 is not None and phase.in_time_share is not None
        said = (wording.number(figure.value), wording.interval(figure), wording.percent(phase.in_time_share))
        assert f"{' '.join(said)} of arrivals" in words, (name, percent)
        assert wording.percentile(p99) in words, (name, percent)
