"""One upstream call whose wait is drawn: 71 ms in the median, 100 ms on average, 460 ms at p99

Real upstreams have a tail: `io` has none. The waits are log-normal (sigma 0.8), with the same mean as in `io`, so that
what differs comes from the tail alone. A mean hides it: one slow call holds one of 40 threads as long as five usual
ones, and whoever waits for a thread waits for it too. All strategies meet the same waits.
"""

import random

from locust import task

from harness.scenario import BenchUser

WAIT_MS = 71
WAIT_SIGMA = 0.8
CALLS = 1
SERVICES = ["upstream"]

# Each request and its only right answer; all strategies must give it.
REQUESTS = [
    ["/tail?wait_ms=71&sigma=0.8&key=1", {"key": 1, "value": 2}],
    ["/tail?wait_ms=71&sigma=0.8&key=2", {"key": 2, "value": 5}],
    ["/tail?wait_ms=71&sigma=0.8&key=3", {"key": 3, "value": 10}],
    ["/tail?wait_ms=71&sigma=0.8&key=4", {"key": 4, "value": 17}],
    ["/tail?wait_ms=71&sigma=0.8&key=5", {"key": 5, "value": 26}],
    ["/tail?wait_ms=71&sigma=0.8&key=6", {"key": 6, "value": 37}],
    ["/tail?wait_ms=71&sigma=0.8&key=7", {"key": 7, "value": 50}],
    ["/tail?wait_ms=71&sigma=0.8&key=8", {"key": 8, "value": 65}],
]


class Tail(BenchUser):
    @task
    def tail(self) -> None:
        self.ask(*random.choice(REQUESTS))
