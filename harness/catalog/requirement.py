"""Which Python a strategy needs: version specifiers as packaging tools read them (PEP 440), and one letter more.

A `t` at the end, as in `>=3.14t` and in the name of the program `python3.14t`, asks for a build without the GIL.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from typing import NamedTuple, Self

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

_PRE_RELEASES = {"alpha": "a", "beta": "b", "candidate": "rc"}


class PythonVersion(NamedTuple):
    """`3.13.0`, or `3.14.0t` for a build without the GIL."""

    release: Version
    free_threaded: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(Version(text.removesuffix("t")), text.endswith("t"))

    def __str__(self) -> str:
        return f"{self.release}{'t' if self.free_threaded else ''}"

    @property
    def name(self) -> str:
        """3.13, or 3.14t without the GIL."""
        return f"{self.release.major}.{self.release.minor}{'t' if self.free_threaded else ''}"


def unmet(requires: str | None, python: PythonVersion | None = None) -> str:
    """Why a strategy that `requires` this cannot run under `python` (default: the running one); empty when it can. A
    pre-release is older than its release: 3.15.0b1 is not >=3.15, but it is >=3.14."""
    python = python or running_python()
    specifier, free_threaded = _split(requires or "")
    meets = not specifier or SpecifierSet(specifier).contains(python.release, prereleases=True)
    if meets and python.free_threaded >= free_threaded:
        return ""
    what = " without the GIL" if free_threaded else ""
    return f"needs Python {specifier}{what}, and this is {python}"


def is_requirement(text: str) -> bool:
    """Whether `text` is one specifier or more, separated by commas: `>=3.14`, `~=3.11`, `==3.11.*`, `>=3.14t`."""
    try:
        return text.isprintable() and len(SpecifierSet(_split(text)[0])) > 0
    except InvalidSpecifier:
        return False


def running_python() -> PythonVersion:
    """Not from `sys.version`: a Python built from source may add to it (`3.15.0a1+`), and that is no valid version."""
    running = sys.version_info
    pre_release = _PRE_RELEASES.get(running.releaselevel)
    ending = f"{pre_release}{running.serial}" if pre_release else ""
    release = Version(f"{running.major}.{running.minor}.{running.micro}{ending}")
    return PythonVersion(release, bool(sysconfig.get_config_var("Py_GIL_DISABLED")))


def _split(requires: str) -> tuple[str, bool]:
    """The specifiers, and whether a build without the GIL is asked for."""
    found = re.fullmatch(r"(.*\d)t", requires)
    return (found[1], True) if found else (requires, False)
