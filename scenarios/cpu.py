"""About 2 ms of pure Python

A computation that holds the GIL, with its answer checked; no I/O at all. Threads cannot speed it up, only processes
can. On the event loop it blocks everything else for as long as it takes.
"""

import random

from locust import task

from harness.scenario import BenchUser

WAIT_MS = 0
CALLS = 0

# Each request and its only right answer; all strategies must give it.
REQUESTS = [
    ["/cpu?rounds=20000&key=1", {"key": 1, "result": 1820071137}],
    ["/cpu?rounds=20000&key=2", {"key": 2, "result": 323625314}],
    ["/cpu?rounds=20000&key=3", {"key": 3, "result": 974663139}],
    ["/cpu?rounds=20000&key=4", {"key": 4, "result": 1625700964}],
    ["/cpu?rounds=20000&key=5", {"key": 5, "result": 129255141}],
    ["/cpu?rounds=20000&key=6", {"key": 6, "result": 780292966}],
    ["/cpu?rounds=20000&key=7", {"key": 7, "result": 1431330791}],
    ["/cpu?rounds=20000&key=8", {"key": 8, "result": 2082368616}],
]


class Cpu(BenchUser):
    @task
    def cpu(self) -> None:
        self.ask(*random.choice(REQUESTS))
