from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness.inside.bench_inside.stacks import UserCode


def _is_theirs(user: UserCode, path: Path) -> bool:
    return user.has(compile("", str(path), "exec"))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "lib" / "site-packages"
    shop = ModuleType("installed_shop")
    shop.__path__ = [str(folder / "installed_shop")]
    monkeypatch.setitem(sys.modules, "installed_shop", shop)
    alone = ModuleType("installed_alone")
    alone.__file__ = str(folder / "installed_alone.py")
    monkeypatch.setitem(sys.modules, "installed_alone", alone)
    return folder


def test_the_package_of_the_app_is_the_users_although_it_is_installed(installed: Path) -> None:
    user = UserCode({"BENCH_TARGET": "installed_shop.api.main:app"})
    assert _is_theirs(user, installed / "installed_shop" / "api" / "orders.py")
    assert not _is_theirs(user, installed / "installed_shop_client" / "orders.py")
    assert not _is_theirs(user, installed / "installed_shop" / ".venv" / "site-packages" / "orm.py")
    assert not _is_theirs(UserCode({}), installed / "installed_shop" / "api" / "orders.py")


def test_so_is_a_module_that_is_installed(installed: Path) -> None:
    user = UserCode({"BENCH_TARGET": "installed_alone:app"})
    assert _is_theirs(user, installed / "installed_alone.py")
    assert not _is_theirs(user, installed / "installed_other.py")
