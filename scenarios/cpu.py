"""About 5 ms of pure Python

A computation that holds the GIL, with its answer checked; no I/O at all. Threads cannot speed it up, only processes
can. On the event loop it blocks everything else for as long as it takes.
"""

import random

from locust import task

from harness.driving.inside.client import BenchUser

WAIT_MS = 0
CALLS = 0

# Each request and its only right answer; all strategies must give it.
REQUESTS = [
    ["/cpu?rounds=50000&key=1", {"key": 1, "result": 1221129777}],
    ["/cpu?rounds=50000&key=2", {"key": 2, "result": 2028670322}],
    ["/cpu?rounds=50000&key=3", {"key": 3, "result": 688727219}],
    ["/cpu?rounds=50000&key=4", {"key": 4, "result": 1496267764}],
    ["/cpu?rounds=50000&key=5", {"key": 5, "result": 156324661}],
    ["/cpu?rounds=50000&key=6", {"key": 6, "result": 963865206}],
    ["/cpu?rounds=50000&key=7", {"key": 7, "result": 1771405751}],
    ["/cpu?rounds=50000&key=8", {"key": 8, "result": 431462648}],
]


class Cpu(BenchUser):
    @task
    def cpu(self) -> None:
        self.ask(*random.choice(REQUESTS))
