"""Processes that a test starts can be interrupted, even where the tests themselves cannot.

`nohup`, `&` in a script and some CI runners start a program with SIGINT or SIGHUP ignored. An ignored signal stays
ignored in every child, and a test that interrupts its child would wait without end.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)


def _nothing(number: int, frame: object) -> None:
    """Ignores a signal in this process only: a signal with a handler has its default action again after exec(2)."""


@contextmanager
def children_start_with_default_signals() -> Iterator[None]:
    """Call it in the main thread. Nothing runs between fork and exec, so threads do no harm."""
    ignored = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, _nothing)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
