"""Three upstream calls of 50 ms each

The calls do not depend on each other. In blocking code they run one after the other (150 ms); in async code `gather`
runs them at once (50 ms). Tests what concurrency *within* a request is worth.
"""

import random

from locust import task

from harness.scenario import BenchUser

WAIT_MS = 50
CALLS = 3
SERVICES = ["upstream"]

# Each request and its only right answer; all strategies must give it.
REQUESTS = [
    ["/fanout?wait_ms=50&key=1", {"key": 1, "values": [2, 5, 10]}],
    ["/fanout?wait_ms=50&key=2", {"key": 2, "values": [5, 10, 17]}],
    ["/fanout?wait_ms=50&key=3", {"key": 3, "values": [10, 17, 26]}],
    ["/fanout?wait_ms=50&key=4", {"key": 4, "values": [17, 26, 37]}],
    ["/fanout?wait_ms=50&key=5", {"key": 5, "values": [26, 37, 50]}],
    ["/fanout?wait_ms=50&key=6", {"key": 6, "values": [37, 50, 65]}],
    ["/fanout?wait_ms=50&key=7", {"key": 7, "values": [50, 65, 82]}],
    ["/fanout?wait_ms=50&key=8", {"key": 8, "values": [65, 82, 101]}],
]


class Fanout(BenchUser):
    @task
    def fanout(self) -> None:
        self.ask(*random.choice(REQUESTS))
