"""`bench new` writes a strategy that the catalog reads, and never writes over anything."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.catalog.catalog import Catalog
from harness.catalog.scaffold import new_strategy
from harness.results.records.errors import UsageError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "targets").mkdir()
    (tmp_path / "scenarios").mkdir()
    return tmp_path


def test_a_new_strategy_is_in_the_catalog_at_once(root: Path) -> None:
    path = new_strategy(root, "my_variant")
    assert path == root / "targets" / "my_variant.py"
    (found,) = Catalog.read(root).strategies
    assert found.title.startswith("my_variant: ")
    assert "bench verify my_variant" in found.description
    assert found.params == {"threads": 8} and found.in_flight == 8
    assert set(found.routes) == {"/health", "/io", "/cpu", "/mixed"}


def test_it_meets_the_projects_own_rules(root: Path) -> None:
    path = new_strategy(root, "my_variant")
    config = Path(__file__).parents[2] / "pyproject.toml"
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--config", str(config), str(path)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_existing_file_is_never_written_over(root: Path) -> None:
    path = root / "targets" / "mine.py"
    path.write_text("precious", encoding="utf-8")
    with pytest.raises(UsageError, match=r"mine\.py: exists"):
        new_strategy(root, "mine")
    assert path.read_text(encoding="utf-8") == "precious"


def test_not_even_through_a_dangling_link(root: Path) -> None:
    (root / "targets" / "mine.py").symlink_to(root / "elsewhere.py")
    with pytest.raises(UsageError, match="exists"):
        new_strategy(root, "mine")
    assert not (root / "elsewhere.py").exists()


@pytest.mark.parametrize("name", ["", "_mine", "Mine", "1st", "a-b", "a/b", "../a", "a.py", "a\n", "class", "x" * 65])
def test_a_bad_name_writes_nothing(root: Path, name: str) -> None:
    with pytest.raises(UsageError, match="choose another") as raised:
        new_strategy(root, name)
    assert "\n" not in str(raised.value)
    assert not list((root / "targets").iterdir())


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        new_strategy(tmp_path, "mine")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.text(max_size=12))
def test_any_name_makes_an_importable_file_or_a_usage_error(root: Path, name: str) -> None:
    try:
        path = new_strategy(root, name)
    except UsageError:
        return
    ast.parse(f"import targets.{path.stem}")
    ast.parse(path.read_text(encoding="utf-8"))
    path.unlink()
