"""Counts requests by method and name, and by second. Its memory grows with names, up to a limit, not with requests."""

from __future__ import annotations

import re
from typing import Any

from harness.results.records.locust_lines import OTHER_NAMES, NamedRequests, SecondOfRequests

_MOST_NAMES = 1000
_MOST_TEXTS = 5
_TEXT_CHARS = 200
_NAME_CHARS = 200
_FIGURES = 4
_OTHER_TEXTS = "other failures"
# Addresses, with their queries, and identities of objects would make every text another one.
_VARYING = re.compile(r" (for|with) url: \S+|(\bURL )?https?://\S+| object at 0x[0-9a-f]+")


class _Counted:
    def __init__(self) -> None:
        self.count = 0
        self.failures = 0
        self.texts: dict[str, int] = {}
        self.answered_us: dict[int, int] = {}
        self.given_up_us: dict[int, int] = {}


class _Second:
    def __init__(self) -> None:
        self.count = 0
        self.failures = 0
        self.longest_ms = 0.0


class RequestTally:
    """`method` and `name` are as Locust's event has them. Times are in ms."""

    def __init__(self) -> None:
        self._named: dict[tuple[str, str], _Counted] = {}
        self._seconds: dict[int, _Second] = {}

    def add(self, method: object, name: object, time_ms: float, second: int, failure: str = "") -> None:
        """One that ended; with `failure`, it failed."""
        counted = self._of(method, name)
        of_second = self._seconds.setdefault(second, _Second())
        counted.count += 1
        of_second.count += 1
        of_second.longest_ms = max(of_second.longest_ms, time_ms)
        if failure:
            counted.failures += 1
            of_second.failures += 1
            text = failure if failure in counted.texts or len(counted.texts) < _MOST_TEXTS else _OTHER_TEXTS
            counted.texts[text] = counted.texts.get(text, 0) + 1
        else:
            _add_time(counted.answered_us, time_ms)

    def add_given_up(self, method: object, name: object, time_ms: float) -> None:
        """One that had no answer after `time_ms`."""
        _add_time(self._of(method, name).given_up_us, time_ms)

    def named(self) -> list[NamedRequests]:
        return [
            NamedRequests(
                method=method,
                name=name,
                count=counted.count,
                failures=counted.failures,
                failure_texts=counted.texts,
                answered_us=tuple(sorted(counted.answered_us.items())),
                given_up_us=tuple(sorted(counted.given_up_us.items())),
            )
            for (method, name), counted in self._named.items()
        ]

    def seconds(self) -> list[SecondOfRequests]:
        return [
            SecondOfRequests(second=second, count=of.count, failures=of.failures, longest_ms=round(of.longest_ms, 3))
            for second, of in sorted(self._seconds.items())
        ]

    def _of(self, method: object, name: object) -> _Counted:
        key = str(method)[:_NAME_CHARS], str(name)[:_NAME_CHARS]
        found = self._named.get(key)
        if found is None:
            if len(self._named) >= _MOST_NAMES:
                key = key[0], OTHER_NAMES
            found = self._named.setdefault(key, _Counted())
        return found


def bucket_us(time_ms: float) -> int:
    """In whole microseconds of at most four figures, rounded up."""
    time_us = max(0, round(time_ms * 1000))
    step = int(10 ** max(0, len(str(time_us)) - _FIGURES))
    return -(-time_us // step) * step


def failure_text(error: object, response: Any) -> str:
    """Why a request failed, so that the same reason is the same text: "answered 500", or what was raised."""
    status = getattr(response, "status_code", None)
    kind = type(error).__name__
    if kind in ("HTTPError", "LocustBadStatusCode") and isinstance(status, int) and status >= 400:
        return f"answered {status}"
    said = str(error) if kind == "CatchResponseError" else error_text(error)
    return (" ".join(_VARYING.sub("", said).split()) or kind)[:_TEXT_CHARS]


def error_text(error: object) -> str:
    """ "KeyError: 'token'", in one line."""
    said = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}{f': {said}' if said else ''}"[:_TEXT_CHARS]


def _add_time(times_us: dict[int, int], time_ms: float) -> None:
    time_us = bucket_us(time_ms)
    times_us[time_us] = times_us.get(time_us, 0) + 1
