"""The tests' own helpers: a child can be interrupted, and no wait is without end."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.children import child, line_of

ROOT = Path(__file__).parents[2]
# As `nohup` and a script's `&` would have started it.
STARTED_DEAF = """
import json, signal, subprocess, sys
from tests.signals import children_start_with_default_signals
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
THEIRS = '''
import signal
print([int(signal.getsignal(n) is not signal.SIG_IGN) for n in (signal.SIGINT, signal.SIGHUP)])
'''
def theirs():
    command = [sys.executable, "-c", THEIRS]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout)
before = theirs()
with children_start_with_default_signals():
    within = theirs()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.raise_signal(number)  # and we are as deaf as before
after = theirs()
print(json.dumps([before, within, after]))
"""


def test_a_child_has_default_signals_though_ours_are_ignored_and_ours_stay_ignored() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTED_DEAF], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == [[0, 0], [1, 1], [0, 0]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_it_is_in_force_in_every_test(number: signal.Signals) -> None:
    with child([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"], stdout=subprocess.PIPE,
               stderr=subprocess.DEVNULL) as process:  # fmt: skip
        assert line_of(process) == "up"
        process.send_signal(number)
        assert process.wait(10) == -number


def test_a_child_does_not_outlive_a_round_that_fails() -> None:
    with pytest.raises(ZeroDivisionError), child(["sleep", "60"]) as process:
        began_s = time.monotonic()
        raise ZeroDivisionError
    assert process.returncode == -signal.SIGKILL
    assert time.monotonic() - began_s < 10


def test_a_line_is_waited_for_until_a_deadline() -> None:
    with child(["sh", "-c", "echo one; printf two; sleep 60"], stdout=subprocess.PIPE) as process:
        assert line_of(process) == "one"
        with pytest.raises(AssertionError, match=r"no line within 0.2 s, only b'two'"):
            line_of(process, 0.2)
        process.kill()


def test_a_child_that_ends_without_a_line_says_so() -> None:
    with child(["true"], stdout=subprocess.PIPE) as process, pytest.raises(AssertionError, match="ended after b''"):
        line_of(process)
