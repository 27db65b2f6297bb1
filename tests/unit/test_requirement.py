"""Which Python a strategy needs, by the rules of Python packaging."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from harness.catalog.requirement import PythonVersion, is_requirement, running_python, unmet

releases = st.lists(st.integers(0, 20), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
endings = st.sampled_from(["", "a1", "b2", "rc1", ".*"])
operators = st.sampled_from([">=", "<=", "==", "!=", ">", "<", "~=", "", "=", "==="])
clauses = st.builds(lambda *parts: "".join(parts), operators, releases, endings)
requirements = st.lists(clauses, min_size=1, max_size=3).map(", ".join)
pythons = st.builds(
    lambda minor, micro, ending: PythonVersion.parse(f"3.{minor}.{micro}{ending}"),
    st.integers(0, 20),
    st.integers(0, 20),
    st.sampled_from(["", "a1", "rc2"]),
)


def valid(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


@given(requirements, pythons)
def test_it_says_what_packaging_says(text: str, python: PythonVersion) -> None:
    assert is_requirement(text) == valid(text)
    if is_requirement(text):
        assert (unmet(text, python) == "") == SpecifierSet(text, prereleases=True).contains(str(python.release))


@pytest.mark.parametrize(
    ("requires", "python", "met"),
    [
        (None, "3.11.0", True),
        (">=3.14", "3.14.0", True),
        (">=3.14", "3.13.9", False),
        (">=3.9", "3.11.0", True),
        ("~=3.11", "3.11.4", True),
        ("~=3.11", "3.14.0", True),
        ("~=3.11", "4.0.0", False),
        ("~=3.11.2", "3.12.0", False),
        ("==3.11.*", "3.11.9", True),
        ("==3.11.*", "3.12.0", False),
        ("==3.12", "3.12.7", False),
        ("==3.12", "3.12.0", True),
        ("!=3.12.3", "3.12.3", False),
        (">=3.11,<3.13", "3.13.0", False),
        (">3.13", "3.13.5", True),
        (">=3.14", "3.14.0rc1", False),
        (">=3.14.0b1", "3.14.0rc1", True),
        (">=3.13", "3.14.0rc1", True),
        (">=3.14", "3.14.0t", True),
    ],
)
def test_versions_are_compared_as_packaging_tools_do(requires: str | None, python: str, met: bool) -> None:
    reason = unmet(requires, PythonVersion.parse(python))
    assert reason == ("" if met else f"needs Python {requires}, and this is {python}")


NO_REQUIREMENTS = ["", " ", ",", "3.14", "=3.14", "three", "~=3", ">=3.14\n", ">=3.14;<4", "t", ">=t", ">=3.14tt"]


@pytest.mark.parametrize("text", [*NO_REQUIREMENTS, ">=3"])
def test_what_is_no_requirement(text: str) -> None:
    assert is_requirement(text) == (text == ">=3")


def test_the_running_python_is_a_version_whatever_its_build_is_called() -> None:
    assert str(running_python()).startswith(re.sub(r"[^0-9.].*", "", sys.version.split()[0]))
    assert unmet(f"=={running_python()}") == ""


@pytest.mark.parametrize(
    ("requires", "python", "reason"),
    [
        (">=3.14t", "3.14.0t", ""),
        (">=3.13,<3.15t", "3.14.0rc1t", ""),
        (">=3.14t", "3.14.0", "needs Python >=3.14 without the GIL, and this is 3.14.0"),
        (">=3.14t", "3.13.1t", "needs Python >=3.14 without the GIL, and this is 3.13.1t"),
        (">=3.15", "3.14.0t", "needs Python >=3.15, and this is 3.14.0t"),
    ],
)
def test_a_t_asks_for_a_build_without_the_gil(requires: str, python: str, reason: str) -> None:
    assert is_requirement(requires)
    assert unmet(requires, PythonVersion.parse(python)) == reason


@given(pythons, st.booleans())
def test_a_version_survives_being_written(python: PythonVersion, free_threaded: bool) -> None:
    version = python._replace(free_threaded=free_threaded)
    assert PythonVersion.parse(str(version)) == version
    assert str(version).startswith(version.name.removesuffix("t") + ".")
