from __future__ import annotations

import errno
import signal
from collections.abc import Iterator

import pytest

from harness.cli.command_line import main


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_name_that_is_not_utf8_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "app", "shop:app", "--dir", "caf\udce9"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = "bench: caf\N{REPLACEMENT CHARACTER}: is not UTF-8, so no report could name it; rename it\n"
    assert (ended.value.code, capsys.readouterr()) == (2, ("", said))


def test_a_full_disk_is_one_line_wherever_it_is_met(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/a\nb")

    monkeypatch.setattr("sys.argv", ["bench", "list"])
    monkeypatch.setattr("harness.cli.command_line.commands", full)
    with pytest.raises(SystemExit) as ended:
        main()
    said = "bench: /tmp/a b: cannot be written (No space left on device); free space\n"
    assert (ended.value.code, capsys.readouterr()) == (3, ("", said))
