"""Servers that live side by side: what one of them does while nobody asks it must not harm the others."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from harness.analysis.analyse import analyse
from harness.analysis.evidence import Analysis
from harness.judging.validity import NEIGHBOUR_CORES
from harness.results.records.outcome import Outcome
from harness.results.records.slice_record import SliceRecord
from harness.results.store import Run
from tests import peculiar_targets as targets
from tests.bench_kit import Ended, Project, wait_for
from tests.integration.test_findings import assert_found, profile

GOOD = "pure_async_aiohttp"
BUSY_CORES = 0.9

# Each request waits for a second.
SLOW_SCENARIO = '''"""Waits for a second"""

from locust import task

from harness.scenario import BenchUser

WAIT_MS = 1000
CALLS = 1
REQUESTS = [["/io?wait_ms=1000&key=1", {"key": 1, "value": 2}]]


class Slow(BenchUser):
    @task
    def io(self) -> None:
        self.ask(*REQUESTS[0])
'''

Done = tuple[Project, Ended, Analysis]


def slices_of(project: Project, variant: str) -> list[SliceRecord]:
    return [slice for slice in project.slices().values() if slice.spec.variant == variant]


def capacity_rps(slice: SliceRecord) -> float:
    phase = next(phase for phase in slice.phases if phase.spec.name == "capacity")
    return phase.ok_in_window / (phase.end_s - phase.start_s)


# ----------------------------------------------------------------------------- who dies, hangs or works while idle


@pytest.fixture(scope="module")
def bad_company(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A good strategy, one that dies while others are measured, one that hangs then, one that always computes. Each is
    left alone in the pilots or in the first two rounds, whatever their order, so the third has the boot after that."""
    project = Project(tmp_path_factory.mktemp("company"), [GOOD], profile(rounds="3"))
    project.target("dies_alone", targets.DIES_WHEN_LEFT_ALONE)
    project.target("hangs_alone", targets.HANGS_WHEN_LEFT_ALONE)
    project.target("computes", targets.works_while_idle(BUSY_CORES))
    project.ask_less()
    ended = project.run()
    assert "Traceback" not in ended.err + ended.out
    project.assert_nothing_is_left()
    return project, ended, analyse(Run.open(project.run_folder))


@pytest.mark.parametrize(
    ("variant", "said", "end"),
    [
        ("dies_alone", "it exited with 7 during the slices of others", "exited with 7"),
        ("hangs_alone", "its server did not answer /health within 0.25 s while nobody asked it", "killed: it was not "),
    ],
)
def test_one_that_dies_or_hangs_while_idle_is_named_and_booted_anew(
    bad_company: Done, variant: str, said: str, end: str
) -> None:
    project, ended, _ = bad_company
    assert ended.code == 3
    assert f"not measured: {variant} on io: {variant}: {said}" in ended.err
    first, second = (boot for boot in project.boots() if boot.variant == variant)
    assert first.ended.startswith(end)
    (failed,) = (slice for slice in first.slices if slice.status == "failed")
    assert said in failed.error and failed.phases == ()
    assert second.ended == "stopped"
    assert second.slices and all(capacity_rps(slice) > 0 for slice in second.slices)


def test_the_others_are_unharmed(bad_company: Done) -> None:
    project, ended, _ = bad_company
    (boot,) = (boot for boot in project.boots() if boot.variant == GOOD)
    assert [slice.status for slice in boot.slices] == ["complete"] * 4
    assert all(set(phase.outcomes) <= {Outcome.OK} for slice in boot.slices for phase in slice.phases)
    assert f"not measured: {GOOD}" not in ended.err


def test_one_that_computes_while_idle_is_named_then_stopped_and_gets_its_own_capacity(bad_company: Done) -> None:
    project, _, analysis = bad_company
    (first,) = (s for s in analysis.slices if s.record.others_cores.get("computes", 0.0) > NEIGHBOUR_CORES)
    assert first.record.spec.is_pilot, "from the first slice on that shows it, it is stopped while others are measured"
    assert_found(first.findings, "neighbour_busy", "invalid")
    (named,) = (finding for finding in first.findings if finding.code == "neighbour_busy")
    assert named.message.startswith("computes, which nobody asked, used ")
    pilot = next(slice for slice in analysis.slices if slice.record.spec.id == "000-io-computes")
    assert_found(pilot.findings, "busy_while_idle", "info")
    own = slices_of(project, "computes")
    assert [slice.status for slice in own] == ["complete"] * 4
    assert all(capacity_rps(slice) > 0 for slice in own)
    (boot,) = (boot for boot in project.boots() if boot.variant == "computes")
    assert boot.ended == "stopped", "it goes on before it is asked to end"


def test_nothing_is_left_of_one_that_is_stopped_when_the_harness_is_killed(tmp_path: Path) -> None:
    project = Project(tmp_path, [GOOD], profile(rounds="9"))
    project.target("computes", targets.works_while_idle(BUSY_CORES))
    with project.start("run", "--profile", "tiny.toml") as process:
        wait_for(lambda: stopped(project), 60)
        process.kill()
        process.communicate(timeout=30)
    project.assert_nothing_is_left()


def stopped(project: Project) -> list[psutil.Process]:
    found = []
    for process in project.processes():
        try:
            if process.status() == psutil.STATUS_STOPPED:
                found.append(process)
        except psutil.Error:
            continue  # it ended meanwhile
    return found


# --------------------------------------------------------------------------------------------------- two sessions


@pytest.fixture(scope="module")
def two_sessions(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Two rounds in each; one strategy that answers wrongly now and then, one that is slow at first."""
    # Beside other tests the last answers of a full queue take longer; who is not idle after a drain is killed.
    short = profile(sessions="2", rounds="2", warmup_s="0.5", warmup_min_s="0.2", drain_s="2.0")
    project = Project(tmp_path_factory.mktemp("sessions"), [GOOD], short)
    project.target("rarely_wrong", targets.WRONG_ONCE_IN_500)
    project.target("wakes_slowly", targets.WAKES_SLOWLY)
    ended = project.run("--json")
    project.assert_nothing_is_left()
    return project, ended, analyse(Run.open(project.run_folder))


def test_each_session_boots_each_variant_once(two_sessions: Done) -> None:
    project, _, _ = two_sessions
    boots = {(boot.variant, boot.number): boot for boot in project.boots()}
    assert set(boots) == {(name, number) for name in (GOOD, "rarely_wrong", "wakes_slowly") for number in (1, 2)}
    for (_, number), boot in boots.items():
        assert (boot.session, boot.ended) == (number, "stopped")
        assert [slice.spec.round for slice in boot.slices] == ([0, 1, 2] if number == 1 else [3, 4])
        assert {slice.status for slice in boot.slices} == {"complete"}
    folder = project.run_folder
    assert {path.name for path in (folder / "sessions").iterdir()} == {"io-1", "io-2"}
    assert {path.name for path in (folder / "boots" / f"io-{GOOD}").iterdir()} == {"1", "2"}


def test_a_fresh_server_that_was_not_warm_in_time_is_said(two_sessions: Done) -> None:
    _, _, analysis = two_sessions
    first = next(slice for slice in analysis.slices if slice.record.spec.id == "003-io-wakes_slowly")
    assert_found(first.findings, "warmup_not_settled", "info")


def test_one_wrong_answer_in_500_keeps_a_strategy_out_of_all_figures(two_sessions: Done) -> None:
    project, ended, analysis = two_sessions
    wrong = [
        slice
        for slice in slices_of(project, "rarely_wrong")
        if any(Outcome.WRONG_ANSWER in phase.outcomes for phase in slice.phases)
    ]
    assert 0 < len(wrong) <= 2, "once in each boot"
    assert ended.code == 3
    assert "problem: rarely_wrong on io: gave wrong answers under load" in ended.err
    judged = [slice for slice in analysis.slices if slice.record.spec.variant == "rarely_wrong"]
    assert not any(slice.valid for slice in judged), "nor those in which nobody noticed"
    cell = next(cell for cell in analysis.cells if cell.variant == "rarely_wrong")
    assert (cell.capacity, cell.valid_slices, cell.phases) == (None, 0, {})
    assert "rarely_wrong" not in {made.variant for made in analysis.comparisons}
    assert "rarely_wrong" not in json.dumps(json.loads(ended.out)["decisions"])


# ------------------------------------------------------------------------------------------------ a wait of a second


def test_a_wait_of_a_second_is_measured_and_ranked_rightly(tmp_path: Path) -> None:
    """Two at once are two answers a second, four at once are four; slices of 0.4 s would see none."""
    project = Project(tmp_path, [], profile(users="4", pilot_idle_s="0.0", rates="[]"))
    project.target("two_threads", targets.TWO_THREADS)
    project.target("no_limit", targets.NO_LIMIT)
    (project.root / "scenarios" / "slow.py").write_text(SLOW_SCENARIO)
    ended = project.run("-w", "slow")
    assert ended.measured_everything, ended.err
    two, four = ([capacity_rps(s) for s in slices_of(project, name)] for name in ("two_threads", "no_limit"))
    assert len(two) == len(four) == 2
    assert all(1.0 <= rps <= 2.6 for rps in two), two
    assert all(2.8 <= rps <= 5.1 for rps in four), four
