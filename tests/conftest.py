"""How the tests are run: which of them measure, in which of two parts each runs, and what stays on one worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer

from tests.parts import PARTS, KeepsSharedSetUpsTogether, Tally
from tests.signals import children_start_with_default_signals

# What one would mark in the file itself, where the whole file is of that kind.
MEASURING_FILES = {
    "integration/test_calibration.py",
    "integration/test_crosscheck.py",
    "integration/test_findings.py",
    "integration/test_physics.py",
    "integration/test_probe_cost.py",
    "integration/test_sampler_cost.py",
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
    if item.get_closest_marker("figure") or item.path.relative_to(TESTS).as_posix() in MEASURING_FILES:
        item.add_marker("measures")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part = config.getoption("--part")
    if part is None:
        return
    chosen = [item for item in items if (item.get_closest_marker("measures") is not None) == (part == "alone")]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> KeepsSharedSetUpsTogether | None:
    return KeepsSharedSetUpsTogether(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def _signals_reach_children() -> Iterator[None]:
    with children_start_with_default_signals():
        yield
