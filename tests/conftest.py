"""How the tests are run: which of them measure, in which of two parts each runs, and what stays on one worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer

from tests.parts import PARTS, KeepsSharedSetUpsTogether, Tally
from tests.signals import children_start_with_default_signals

# Files that measure as a whole, and single tests of others. Elsewhere the test is marked itself.
MEASURING = {
    "integration/test_loaded_app.py",
    "integration/test_watched_apps.py",
    "integration/test_app_load.py::test_a_remedy_is_measured_beside_the_app_as_it_is",
    "integration/test_calibration.py::test_a_freeze_is_seen_that_counting_from_the_send_would_hide",
    "integration/test_calibration.py::test_a_freeze_stops_everything",
    "integration/test_calibration.py::test_the_cpu_of_wrk_is_measured_while_it_runs",
    "integration/test_calibration.py::test_the_truth_server_keeps_its_laws_by_its_own_clock",
    "integration/test_local_generator.py::test_a_frozen_server_delays_those_that_should_have_been_sent_meanwhile",
    "integration/test_local_generator.py::test_a_server_that_is_still_waking_up_is_warmed_for_longer",
    "integration/test_local_generator.py::test_a_warm_up_ends_when_answers_have_settled_and_the_next_phase_begins_there",
    "integration/test_local_generator.py::test_closed_and_open_loop_on_a_fixed_delay",
    "integration/test_local_generator.py::test_the_warm_up_of_two_generators_ends_for_both_at_once_when_both_have_settled",
    "integration/test_overload.py",
    "integration/test_physics.py",
    "integration/test_postgres.py::test_the_wait_for_a_connection_is_measured_in_every_pool",
    "integration/test_run.py::test_a_strategy_that_cheats_sets_no_rates_for_the_others",
    "integration/test_services.py::test_two_services_at_once_one_of_them_a_file_that_only_the_tests_have",
    "integration/test_side_by_side.py::test_one_that_computes_while_idle_is_named_then_stopped_and_gets_its_own_capacity",
    "integration/test_side_by_side.py::test_one_that_dies_or_hangs_while_idle_is_named_and_booted_anew",
    "integration/test_side_by_side.py::test_the_others_are_unharmed",
    "integration/test_targets.py::test_a_full_queue_refuses_at_once_and_says_when_to_come_again",
    "integration/test_targets.py::test_what_is_past_its_deadline_is_given_up_and_logged",
    "unit/test_probe.py::test_a_blocked_loop_shows_with_the_missed_ticks",
    "unit/test_probe.py::test_lines_are_written_while_the_loop_is_blocked_and_say_so",
    "unit/test_probe.py::test_ticks_keep_their_schedule",
    "unit/test_watch.py",
}
# Tests of a measuring file that only check.
CHECKING = {
    "integration/test_physics.py::test_the_strategies_measured_are_those_of_the_project",
}
TESTS = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("the two parts of `make test`")
    group.addoption("--part", choices=PARTS, help="only the tests that measure, or only the others")
    group.addoption("--tally", metavar="FILE", help="write what each test took and how it ended, for tests/__main__.py")


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--tally")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Tally(Path(path)))


def pytest_itemcollected(item: pytest.Item) -> None:
    file = item.path.relative_to(TESTS).as_posix() if item.path.is_relative_to(TESTS) else item.path.name
    name = f"{file}::{item.name.partition('[')[0]}"
    if {file, name} & MEASURING and name not in CHECKING:
        item.add_marker("measures")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part = config.getoption("--part")
    if part is None:
        return
    chosen = [item for item in items if (item.get_closest_marker("measures") is not None) == (part == "alone")]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from harness.catalog.catalog import Catalog  # noqa: PLC0415 - each worker reads this file
    from tests.pythons import not_tested  # noqa: PLC0415 - as above

    if line := not_tested(Catalog.read(TESTS.parent).strategies):
        terminalreporter.write_line(line, yellow=True)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> KeepsSharedSetUpsTogether | None:
    return KeepsSharedSetUpsTogether(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def _a_machine_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For the processes that a test starts: only one measures on a machine (`harness.machine.only_run`), and several
    workers run tests at once. Its folder has a short name, since paths of sockets may not be long."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(tmp_path_factory.mktemp("m"))
    yield
    if before is None:
        del os.environ["TMPDIR"]
    else:
        os.environ["TMPDIR"] = before


@pytest.fixture(scope="session", autouse=True)
def _signals_reach_children() -> Iterator[None]:
    with children_start_with_default_signals():
        yield
