"""The Pythons of this machine that a target may run on: those on the PATH, pyenv's and uv's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from harness.catalog.requirement import PythonVersion, unmet
from harness.interpreters.environments import provide, python_of
from harness.interpreters.interpreter import Interpreter, ask_interpreter
from harness.interpreters.search import installed_pythons
from harness.results.records.strategy import Strategy

VERSIONS = [f"3.{minor}" for minor in range(9, 15)]


@cache
def pythons() -> dict[str, str]:
    """Path by version, at least this one's; a name on the PATH may be a shim that starts nothing."""
    found = {f"3.{sys.version_info.minor}": sys.executable}
    installed = installed_pythons(os.environ, Path.home())
    for version in VERSIONS:
        for candidate in map(str, installed.get(version, ())):
            if _runs(candidate, version):
                found.setdefault(version, candidate)
    return found


def _runs(candidate: str, version: str) -> bool:
    command = [candidate, "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip() == version


def python_for(requires: str) -> Interpreter | None:
    """One that a strategy can run on that needs this: ours, else the newest that there is, without the GIL only where
    that is asked for or there is no other; None: there is none."""
    installed = installed_pythons(os.environ, Path.home())
    likely = [name for name in installed if not unmet(requires, PythonVersion.parse(name))]
    likely.sort(key=lambda name: name.endswith("t") == requires.endswith("t"))
    for path in (Path(sys.executable), *(path for name in reversed(likely) for path in installed[name])):
        found = ask_interpreter(path)
        if isinstance(found, str) or found.implementation != "CPython":
            continue
        if not unmet(requires, PythonVersion.parse(found.version)):
            return found
    return None


def with_what_targets_need(interpreter: Interpreter) -> str:
    """The file that runs them: ours has it, another one gets an environment, which is made when it is not there."""
    if interpreter.path == Path(sys.executable):
        return sys.executable
    return python_of(provide(interpreter, print))


def not_tested(strategies: Iterable[Strategy]) -> str:
    """A line about those that no Python here can run, for the end of the tests; empty: there are none."""
    lacking = [s for s in strategies if s.requires is not None and python_for(s.requires) is None]
    named = ", ".join(f"{strategy.name} (needs Python {strategy.requires})" for strategy in lacking)
    return f"not tested here: {named}: no such Python is on the PATH, and neither pyenv nor uv has one" if named else ""
