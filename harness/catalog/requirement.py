"""Which Python a strategy needs: version specifiers as packaging tools read them (PEP 440)."""

from __future__ import annotations

import sys

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

_PRE_RELEASES = {"alpha": "a", "beta": "b", "candidate": "rc"}


def unmet(requires: str | None, python: Version | None = None) -> str:
    """Why a strategy that `requires` this cannot run under `python` (default: the running one); empty when it can. A
    pre-release is older than its release: 3.15.0b1 is not >=3.15, but it is >=3.14."""
    python = python or running_python()
    if not requires or SpecifierSet(requires).contains(python, prereleases=True):
        return ""
    return f"needs Python {requires}, and this is {python}"


def is_requirement(text: str) -> bool:
    """Whether `text` is one specifier or more, separated by commas: `>=3.14`, `~=3.11`, `==3.11.*`."""
    try:
        return text.isprintable() and len(SpecifierSet(text)) > 0
    except InvalidSpecifier:
        return False


def running_python() -> Version:
    """Not from `sys.version`: a Python built from source may add to it (`3.15.0a1+`), and that is no valid version."""
    running = sys.version_info
    pre_release = _PRE_RELEASES.get(running.releaselevel)
    ending = f"{pre_release}{running.serial}" if pre_release else ""
    return Version(f"{running.major}.{running.minor}.{running.micro}{ending}")
