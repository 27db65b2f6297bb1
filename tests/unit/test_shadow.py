"""Locust registers `scenarios/io.py` as the module `io`; the process must get the real one back."""

import io
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness.driving.inside.shadow import restore_stdlib

CHECKOUT = Path(__file__).parents[2]


def test_a_shadowed_module_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    impostor = ModuleType("io")
    impostor.__file__ = "/somewhere/scenarios/io.py"
    monkeypatch.setitem(sys.modules, "io", impostor)
    restore_stdlib()
    assert sys.modules["io"] is io


def test_nothing_else_is_touched() -> None:
    before = dict(sys.modules)
    restore_stdlib()
    assert sys.modules == before


def test_after_locust_has_loaded_the_scenario_io_is_the_real_one() -> None:
    script = (
        "from locust.util.load_locustfile import load_locustfile\n"
        "users, _ = load_locustfile('scenarios/io.py')\n"
        "import io, sys\n"
        "print(sorted(users), io.BytesIO(b'real').read(), sys.modules['io'] is io)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "['Io'] b'real' True\n", done.stderr
