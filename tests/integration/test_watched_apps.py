"""What blocks is named: each app of the corpus under its own server, asked one request at a time."""

from __future__ import annotations

import pytest

from harness.analysis.blocking_lines import BlockingLine
from tests.apps_kit import CorpusApp, corpus
from tests.apps_watched import found_in_all, wrong_with

LEAST_RIGHT = 0.95
APPS = corpus()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[BlockingLine, ...]]:
    return found_in_all(APPS, tmp_path_factory.mktemp("apps"))


def test_at_least_95_of_100_faults_are_named_with_file_line_cause_place_and_route(
    found: dict[str, tuple[BlockingLine, ...]],
) -> None:
    faulty = [app for app in APPS if app.fault is not None]
    wrong = {app.name: words for app in faulty if (words := wrong_with(app, found[app.name]))}
    assert len(wrong) <= (1 - LEAST_RIGHT) * len(faulty), wrong


@pytest.mark.parametrize("app", [app for app in APPS if app.fault is None], ids=lambda app: app.name)
def test_nothing_is_found_in_a_healthy_app(app: CorpusApp, found: dict[str, tuple[BlockingLine, ...]]) -> None:
    assert found[app.name] == ()


def test_how_long_it_blocks_is_told_within_a_third(found: dict[str, tuple[BlockingLine, ...]]) -> None:
    """Of those that wait for a time that they set themselves: what computes takes as long as the machine needs."""
    waiting = [app for app in APPS if app.fault is not None and app.fault.cause == "waits" and found[app.name]]
    assert len(waiting) >= 10
    off = {
        app.name: (found[app.name][0].ms, app.fault.ms)
        for app in waiting
        if app.fault is not None and not 0.67 <= found[app.name][0].ms / app.fault.ms <= 1.33
    }
    assert len(off) <= 2, off
