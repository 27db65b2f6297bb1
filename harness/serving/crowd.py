"""Asks an app for many things at once, for a few seconds: what blocks only when requests meet shows then."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Iterator, Sequence

from harness.processes.ask import AskError, ask
from harness.results.records.app_request import AppRequest
from harness.serving.server import Server

_IN_A_ROW = 4  # of the same route, which so meets itself, however many others there are
_ANSWER_BYTES = 8 << 20


def ask_at_once(
    server: Server, requests: Sequence[AppRequest], *, users: int, at_most: int, for_s: float, seed: int = 0
) -> int:
    """How many were answered. Each of the `users` asks again as soon as it is answered, until `at_most` were asked or
    `for_s` are over. What is unanswered then is given up."""
    ends_s = time.monotonic() + for_s
    turns = itertools.islice(_in_turn(requests, seed), at_most)
    taking = threading.Lock()
    answered = itertools.count()

    def asks() -> None:
        while (left_s := ends_s - time.monotonic()) > 0:
            with taking:
                request = next(turns, None)
            if request is None:
                return
            try:
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
                next(answered)
            except AskError:
                pass  # the answers are checked one at a time; here it is to be asked only

    crowd = [threading.Thread(target=asks, daemon=True) for _ in range(users)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    return next(answered)


def _in_turn(requests: Sequence[AppRequest], seed: int) -> Iterator[AppRequest]:
    chosen = random.Random(seed)
    weights = list(itertools.accumulate(request.weight for request in requests))
    while True:
        yield from chosen.choices(requests, cum_weights=weights) * _IN_A_ROW
