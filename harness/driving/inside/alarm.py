"""Wakes a greenlet at a moment of CLOCK_MONOTONIC, to about 0.1 ms.

gevent's own timers go through libev's epoll backend, which rounds up to whole milliseconds (libev/ev_epoll.c), so a
request would leave 0.5 ms late on average and the response time, which counts from the intended start, would show the
generator instead of the server. A timerfd is an hrtimer that epoll reports when it fires. `os.timerfd_create` exists
from Python 3.13 on; ctypes reaches the same calls before that.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from time import monotonic

import gevent
from gevent.hub import get_hub

_CLOCK_MONOTONIC = 1
_TFD_NONBLOCK = os.O_NONBLOCK
_TFD_CLOEXEC = os.O_CLOEXEC if hasattr(os, "O_CLOEXEC") else 0
_TFD_TIMER_ABSTIME = 1
_NS = 1_000_000_000
# Closer than this a system call is not worth it.
_NOW_S = 20e-6


class _TimeSpec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("it_interval", _TimeSpec), ("it_value", _TimeSpec))


class Alarm:
    """One greenlet's alarm clock; `close()` it. Where there is no timerfd (macOS), gevent's timer is used."""

    def __init__(self) -> None:
        self._fd = -1
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
            if self._fd < 0:
                raise OSError(ctypes.get_errno(), "timerfd_create")
            self._spec = _TimerSpec()
            self._watcher = get_hub().loop.io(self._fd, 1)  # 1: readable

    def wait_until(self, moment_s: float) -> None:
        """Returns at `moment_s` (CLOCK_MONOTONIC) or, if that is past, at once. Never early."""
        while (left_s := moment_s - monotonic()) > _NOW_S:
            if self._fd < 0:
                gevent.sleep(left_s)
                continue
            self._spec.it_value.tv_sec, self._spec.it_value.tv_nsec = divmod(int(moment_s * _NS), _NS)
            if self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, ctypes.byref(self._spec), None) < 0:
                raise OSError(ctypes.get_errno(), "timerfd_settime")
            get_hub().wait(self._watcher)
            try:
                os.read(self._fd, 8)
            except OSError as error:
                if error.errno != errno.EAGAIN:
                    raise
        while monotonic() < moment_s:
            pass

    def close(self) -> None:
        if self._fd >= 0:
            self._watcher.close()
            os.close(self._fd)
            self._fd = -1
