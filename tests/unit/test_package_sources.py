"""Which files of an app are read to see who uses its functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.serving import package_sources as module
from harness.serving.own_app import own_app
from harness.serving.package_sources import package_sources


def written(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\n")


def found(folder: Path, app: str) -> list[str]:
    sources = package_sources(own_app(app, folder))
    assert all(Path(name).read_text() == source for name, source in sources.items())
    return [str(Path(name).relative_to(folder)) for name in sources]


@pytest.mark.parametrize(
    ("app", "root"),
    [("shop.main:app", "shop"), ("shop.api.main:app", "shop"), ("shop:app", "shop"), ("main:app", "")],
)
@pytest.mark.parametrize("source", ["", "src"])
def test_they_are_those_of_the_package_but_no_one_elses(tmp_path: Path, app: str, root: str, source: str) -> None:
    folder = tmp_path / source
    own = ["shop/__init__.py", "shop/main.py", "shop/api/main.py"]
    written(folder, *own, "main.py", "shop/.hidden/a.py", "shop/venv/a.py", "shop/node_modules/a.py", "shop/notes.md")
    written(folder, "shop/mine/pyvenv.cfg", "shop/mine/a.py", "shop/lib/site-packages/a.py")
    expected = [str(Path(source) / name) for name in own]
    assert found(tmp_path, app) == (expected if root else [str(Path(source) / "main.py"), *expected])


def test_of_many_the_nearest_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "main.py", "a/b.py", "c.py", "d.py")
    monkeypatch.setattr(module, "_MOST_FILES", 3)
    assert found(tmp_path, "main:app") == ["c.py", "d.py", "main.py"]
    monkeypatch.setattr(module, "_MOST_FILES", 300)
    monkeypatch.setattr(module, "_MOST_BYTES", 21)
    (tmp_path / "c.py").write_text(22 * "#")
    assert found(tmp_path, "main:app") == ["d.py", "main.py"]


def test_an_app_that_is_imported_from_elsewhere_or_cannot_be_read_has_none(tmp_path: Path) -> None:
    written(tmp_path, "project/other.py", "other.py")
    assert found(tmp_path / "project", "xml.etree.ElementTree:app") == []
    (tmp_path / "other.py").unlink()
    (tmp_path / "project" / "other.py").unlink()
    (tmp_path / "main.py").symlink_to("main.py")
    assert found(tmp_path, "main:app") == []
