"""One transaction in PostgreSQL, then one upstream call of 100 ms

The usual endpoint that writes something down and calls another service. Tests what a database session costs that is
kept while something else is waited for: the connection is idle, and nobody else can have it.
"""

import random

from locust import task

from harness.scenario import BenchUser

WAIT_MS = 100
CALLS = 1
SERVICES = ["postgres", "upstream"]

# Each request and its only right answer; all strategies must give it. Many rows, so that requests seldom wait for each
# other's row.
REQUESTS = [
    ["/db_io?wait_ms=100&key=1", {"key": 1, "value": 2}],
    ["/db_io?wait_ms=100&key=2", {"key": 2, "value": 5}],
    ["/db_io?wait_ms=100&key=3", {"key": 3, "value": 10}],
    ["/db_io?wait_ms=100&key=4", {"key": 4, "value": 17}],
    ["/db_io?wait_ms=100&key=5", {"key": 5, "value": 26}],
    ["/db_io?wait_ms=100&key=6", {"key": 6, "value": 37}],
    ["/db_io?wait_ms=100&key=7", {"key": 7, "value": 50}],
    ["/db_io?wait_ms=100&key=8", {"key": 8, "value": 65}],
    ["/db_io?wait_ms=100&key=9", {"key": 9, "value": 82}],
    ["/db_io?wait_ms=100&key=10", {"key": 10, "value": 101}],
    ["/db_io?wait_ms=100&key=11", {"key": 11, "value": 122}],
    ["/db_io?wait_ms=100&key=12", {"key": 12, "value": 145}],
    ["/db_io?wait_ms=100&key=13", {"key": 13, "value": 170}],
    ["/db_io?wait_ms=100&key=14", {"key": 14, "value": 197}],
    ["/db_io?wait_ms=100&key=15", {"key": 15, "value": 226}],
    ["/db_io?wait_ms=100&key=16", {"key": 16, "value": 257}],
]


class DbIo(BenchUser):
    @task
    def db_io(self) -> None:
        self.ask(*random.choice(REQUESTS))
