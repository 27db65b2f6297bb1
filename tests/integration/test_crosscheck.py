"""wrk and ours in turns on a real target. How well they agree is in `tests/figures/test_crosscheck_agreement.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from harness.calibration import crosscheck
from tests.bench_kit import CHECKOUT

# As many answers a second as one connection gets, and the two lines of wrk's that are read.
_WRK = """#!{python}
import http.client, sys, time, urllib.parse
url = urllib.parse.urlsplit(sys.argv[-1])
connection = http.client.HTTPConnection(url.hostname, url.port, timeout=5)
began, answers = time.monotonic(), 0
while time.monotonic() < began + 1:
    connection.request("GET", url.path)
    assert connection.getresponse().read()
    answers += 1
print(f"  {{answers}} requests in 1.00s, 1.00KB read")
print(f"Requests/sec: {{answers:.2f}}")
"""


def test_a_request_that_fails_ends_it_and_the_pairs_until_then_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for wrk, since not every machine has one; the server is real, and killed after the first look."""
    stand_in = tmp_path / "bin" / "wrk"
    stand_in.parent.mkdir()
    stand_in.write_text(_WRK.format(python=sys.executable))
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(stand_in.parent), prepend=":")
    looks: list[str] = []

    def kill_the_server(line: str) -> None:
        looks.append(line)
        servers = [one for one in psutil.Process().children(recursive=True) if "uvicorn" in " ".join(one.cmdline())]
        assert servers
        for server in servers:
            server.kill()

    monkeypatch.setattr(crosscheck, "BUSY_CORES", 0.0)  # one connection does not keep the server busy
    check, error = crosscheck.against_wrk(
        CHECKOUT, tmp_path, kill_the_server, server_cpus=None, generator_cpus=None, looks=(1, 4)
    )
    assert len(looks) == 1
    assert check is not None
    assert len(check.ratios) == 1
    assert error
    assert len(error.splitlines()) == 1
