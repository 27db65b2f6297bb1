"""`targets.lock`, package by package: what is pinned, and which other packages need it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

TARGETS_LOCK = Path(__file__).parents[2] / "targets.lock"
_PACKAGE = re.compile(r"([A-Za-z0-9][\w.-]*)==([^\s;]+)")
_NEEDED_BY = re.compile(r" +# +(?:via +)?([A-Za-z0-9][\w.-]*)")  # not the project, which has its file behind it


class Locked(Struct, frozen=True):
    """`text` is what pip reads: the version, a marker, the hashes."""

    name: str
    version: str
    text: str
    needed_by: frozenset[str]

    @property
    def pinned(self) -> str:
        """psycopg-binary==3.3.9"""
        return f"{self.name}=={self.version}"


def normal(package: str) -> str:
    """The one of its spellings that is used here: `psycopg_pool` is `psycopg-pool`."""
    return re.sub(r"[-_.]+", "-", package).lower()


def read_lock(text: str) -> tuple[Locked, ...]:
    """What `uv pip compile` has written."""
    blocks = re.split(r"^(?=\w)", text, flags=re.MULTILINE)
    found = ((_PACKAGE.match(block), block) for block in blocks)
    return tuple(
        Locked(normal(match[1]), match[2], "\n".join(_pip_lines(block)), frozenset(_needing(block)))
        for match, block in found
        if match
    )


def with_all_that_need(name: str, packages: Iterable[Locked]) -> frozenset[str]:
    """`name`, and whatever is of no use without it."""
    by_name = {package.name: package for package in packages}
    found: set[str] = set()
    waiting = [name]
    while waiting:
        package = waiting.pop()
        if package in by_name and package not in found:
            found.add(package)
            waiting += by_name[package].needed_by
    return frozenset(found)


def _pip_lines(block: str) -> Iterator[str]:
    return (line for line in block.splitlines() if line.strip() and not line.lstrip().startswith("#"))


def _needing(block: str) -> Iterator[str]:
    found = (_NEEDED_BY.fullmatch(line) for line in block.splitlines())
    return (normal(match[1]) for match in found if match and match[1] != "via")
