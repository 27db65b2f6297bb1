"""One upstream call of 100 ms, then about 2 ms of pure Python on what it returned

The usual endpoint that is neither pure waiting nor pure computing. Tests whether each half can have the model that
suits it: awaiting the call, and a process pool for the computation.
"""

import random

from locust import task

from harness.scenario import BenchUser

WAIT_MS = 100
CALLS = 1
SERVICES = ["upstream"]

# Each request and its only right answer; all strategies must give it.
REQUESTS = [
    ["/mixed?wait_ms=100&key=1&rounds=20000", {"key": 1, "result": 323625314}],
    ["/mixed?wait_ms=100&key=2&rounds=20000", {"key": 2, "result": 129255141}],
    ["/mixed?wait_ms=100&key=3&rounds=20000", {"key": 3, "result": 1236960618}],
    ["/mixed?wait_ms=100&key=4&rounds=20000", {"key": 4, "result": 1499258097}],
    ["/mixed?wait_ms=100&key=5&rounds=20000", {"key": 5, "result": 916147578}],
    ["/mixed?wait_ms=100&key=6&rounds=20000", {"key": 6, "result": 1635112709}],
    ["/mixed?wait_ms=100&key=7&rounds=20000", {"key": 7, "result": 1508669842}],
    ["/mixed?wait_ms=100&key=8&rounds=20000", {"key": 8, "result": 536818977}],
]


class Mixed(BenchUser):
    @task
    def mixed(self) -> None:
        self.ask(*random.choice(REQUESTS))
