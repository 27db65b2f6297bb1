"""Asks an app for much at once, for a few seconds: what blocks only when requests meet shows then."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import islice

from harness.processes.ask import AskError, ask
from harness.results.records.app_request import AppRequest
from harness.serving.server import Server

_IN_A_ROW = 4  # of each request: so it meets itself, however many others there are
_ANSWER_BYTES = 8 << 20  # as under load


def ask_at_once(
    server: Server, requests: Sequence[AppRequest], *, at_once: int, at_most: int, for_s: float, seed: int = 1
) -> int:
    """How many were asked: so many are under way `at_once`, until `at_most` were made or `for_s` are over. What has no
    answer then is given up. Answers are not looked at; one at a time they were."""
    ends_s = time.monotonic() + for_s
    turns = islice(_turns(requests, random.Random(seed)), at_most)
    taking = threading.Lock()
    asked = 0

    def ask_in_turn() -> None:
        nonlocal asked
        while (left_s := ends_s - time.monotonic()) > 0:
            with taking:
                request = next(turns, None)
                asked += request is not None
            if request is None:
                return
            with contextlib.suppress(AskError):
                ask(
                    server.host,
                    server.port,
                    request.path,
                    timeout_s=left_s,
                    max_bytes=_ANSWER_BYTES,
                    headers=request.headers,
                    method=request.method,
                    body=request.body,
                )

    crowd = [threading.Thread(target=ask_in_turn, daemon=True) for _ in range(at_once)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    return asked


def _turns(requests: Sequence[AppRequest], chosen: random.Random) -> Iterator[AppRequest]:
    """Without an end, each as often as its weight says."""
    weights = [request.weight for request in requests]
    while True:
        yield from chosen.choices(requests, weights) * _IN_A_ROW
