"""One upstream call that waits 100 ms

What a request does in most services: ask a database or another service, and wait. It needs almost no CPU, so only the
number of waits at the same time matters: 1 with a blocked event loop (10 requests/s), 40 with AnyIO's threads (400
requests/s), any number on a free event loop.
"""

import random

from locust import task

from harness.scenario import BenchUser

WAIT_MS = 100
CALLS = 1
SERVICES = ["upstream"]

# Each request and its only right answer; all strategies must give it.
REQUESTS = [
    ["/io?wait_ms=100&key=1", {"key": 1, "value": 2}],
    ["/io?wait_ms=100&key=2", {"key": 2, "value": 5}],
    ["/io?wait_ms=100&key=3", {"key": 3, "value": 10}],
    ["/io?wait_ms=100&key=4", {"key": 4, "value": 17}],
    ["/io?wait_ms=100&key=5", {"key": 5, "value": 26}],
    ["/io?wait_ms=100&key=6", {"key": 6, "value": 37}],
    ["/io?wait_ms=100&key=7", {"key": 7, "value": 50}],
    ["/io?wait_ms=100&key=8", {"key": 8, "value": 65}],
]


class Io(BenchUser):
    @task
    def io(self) -> None:
        self.ask(*random.choice(REQUESTS))
