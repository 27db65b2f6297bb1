"""The Pythons that `--python` names, each with its environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.results.records.variant import Runtime

_OPTION = "--python"


def found_pythons() -> dict[str, str]:
    """Those of this machine by name, with the file that would be tried first; the harness's own has none."""
    from harness.catalog.requirement import running_python
    from harness.interpreters.interpreter import OLDEST
    from harness.interpreters.search import age, installed_pythons

    found = {name: str(paths[0]) for name, paths in installed_pythons(os.environ, Path.home()).items()} | {
        running_python().name: ""
    }
    return {name: found[name] for name in sorted(found, key=age) if age(name)[0] >= OLDEST}


def runtimes(names: Sequence[str]) -> tuple[tuple[Runtime, ...], tuple[str, ...]]:
    """One for each of `names` (`3.12`, `3.14t`), the harness's own without any, and a line for each Python that is not
    here or that targets cannot run on. Makes the environments that are missing, and says so on stderr.

    Raises UsageError for what is no name of a Python, and when targets can run on none of them.
    """
    from harness.catalog.requirement import running_python
    from harness.catalog.variants import OWN_PYTHON
    from harness.interpreters.environments import provide
    from harness.interpreters.interpreter import InterpreterError, check_pythons, choose
    from harness.interpreters.search import installed_pythons
    from harness.results.records.errors import UsageError
    from harness.results.records.variant import Runtime

    check_pythons(names, _OPTION)
    own = running_python().name
    found = {own: (), **installed_pythons(os.environ, Path.home())}
    usable: list[Runtime] = [] if names else [OWN_PYTHON]
    errors: list[str] = []
    for name in names:
        if name == own:
            usable.append(OWN_PYTHON)
            continue
        try:
            interpreter = choose(name, found, _OPTION)
            environment = provide(interpreter, lambda line: print(line, file=sys.stderr))
            usable.append(Runtime(environment, interpreter.version))
        except InterpreterError as error:
            errors.append(str(error))
    if not usable:
        raise UsageError("; ".join(errors))
    return tuple(usable), tuple(errors)
