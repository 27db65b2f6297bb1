"""What a run measures: how a variant becomes a target, and which answers of it are right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from harness.catalog.requirement import PythonVersion, unmet
from harness.interpreters.environments import installed_in, is_whole, left_out
from harness.interpreters.targets_lock import normal
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload
from harness.serving.answers import AnswerCheck, check_answers
from harness.serving.asgi_server import not_installed, packages_of
from harness.serving.server import Server
from harness.serving.target import Target, target_of


class Subject(Protocol):
    """The strategy files of a project, or somebody's own app with its remedies."""

    def not_here(self, variant: Variant) -> str:
        """Why it cannot be launched on this machine, and what to do; empty: it can."""
        ...

    def target(self, variant: Variant, environment: Mapping[str, str]) -> Target:
        """`environment` is what services tell it."""
        ...

    def check(
        self, server: Server, variant: Variant, workload: Workload, timeout_s: float, *, at_most: int | None = None
    ) -> AnswerCheck:
        """Asks `server` for the workload's requests, or for the first `at_most`, once each."""
        ...


class StrategyFiles(NamedTuple):
    """Those of the project in `root`."""

    root: Path

    def not_here(self, variant: Variant) -> str:
        """Its Python is not the one for it, or has no such server."""
        python = PythonVersion.parse(variant.python) if variant.python else None
        if reason := unmet(variant.requires, python):
            return f"not available here: {reason}; --python runs it under another one"
        if variant.interpreter:
            return _not_in_its_environment(variant)
        missing = not_installed(variant.server)
        return f"not available here: pip install {' '.join(missing)}" if missing else ""

    def target(self, variant: Variant, environment: Mapping[str, str]) -> Target:
        return target_of(variant, self.root, environment)

    def check(
        self, server: Server, variant: Variant, workload: Workload, timeout_s: float, *, at_most: int | None = None
    ) -> AnswerCheck:
        return check_answers(server.host, server.port, workload, timeout_s, at_most=at_most)


def _not_in_its_environment(variant: Variant) -> str:
    if not is_whole(variant.interpreter):
        return ""  # somebody has removed it: its server says so
    absent, there = left_out(variant.interpreter), installed_in(variant.interpreter)
    for package in map(normal, (variant.server.loop, variant.server.http, *packages_of(variant.server))):
        if package in absent:
            return no_wheel(variant, absent[package])
    missing = [package for package in packages_of(variant.server) if normal(package) not in there]
    return f"not available here: targets.lock has no {' and no '.join(missing)}" if missing else ""


def no_wheel(variant: Variant, pinned: str) -> str:
    """Why a variant is not there: its Python has no wheel of `pinned`, such as `psycopg==3.2.1`."""
    return f"not available here: there is no wheel of {pinned} for Python {variant.python}"
