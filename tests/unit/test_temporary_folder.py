from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.processes.process import ProcessError
from harness.processes.temporary_folder import temporary_folder
from tests.children import END_S, child, line_of

ROOT = Path(__file__).parents[2]
HOLDER = """
import os, time
from harness.processes.temporary_folder import temporary_folder
os.setsid()
with temporary_folder("bench-test-") as folder:
    (folder / "deep").mkdir()
    (folder / "deep" / "secret").touch()
    print(folder, flush=True)
    time.sleep(60)
"""


def test_it_is_gone_after_the_block_and_after_an_error_in_it() -> None:
    with pytest.raises(ValueError, match="inside"), temporary_folder("bench-test-") as folder:
        (folder / "file").touch()
        assert folder.stat().st_mode & 0o077 == 0
        raise ValueError("inside")
    assert not folder.exists()


def test_it_is_gone_when_its_owner_is_killed_with_its_whole_group() -> None:
    with child([sys.executable, "-c", HOLDER], cwd=ROOT, stdout=subprocess.PIPE) as holder:
        folder = Path(line_of(holder))
        assert (folder / "deep" / "secret").exists()
        os.killpg(holder.pid, signal.SIGKILL)
        end_s = time.monotonic() + END_S
        while folder.exists():
            assert time.monotonic() < end_s, f"{folder} is still there"
            time.sleep(0.01)


def test_without_a_place_for_it_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(ProcessError, match=r"^no temporary folder can be made .*TMPDIR$"), temporary_folder("bench-"):
        pass
