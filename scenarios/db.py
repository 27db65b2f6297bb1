"""One transaction in PostgreSQL, then a query of 50 ms

A row is selected, an event inserted, the row updated, all in one transaction; then a query that the database answers
after 50 ms. All of it with one connection of a pool. Tests what the pool does: connections / wait is the most that can
be answered, whatever the threads or the event loop could do.
"""

import random

from locust import task

from harness.scenario import BenchUser

WAIT_MS = 50
QUERIES = 1
SERVICES = ["postgres"]

# Each request and its only right answer; all strategies must give it. Many rows, so that requests seldom wait for each
# other's row.
REQUESTS = [
    ["/db?wait_ms=50&key=1", {"key": 1, "value": 2}],
    ["/db?wait_ms=50&key=2", {"key": 2, "value": 5}],
    ["/db?wait_ms=50&key=3", {"key": 3, "value": 10}],
    ["/db?wait_ms=50&key=4", {"key": 4, "value": 17}],
    ["/db?wait_ms=50&key=5", {"key": 5, "value": 26}],
    ["/db?wait_ms=50&key=6", {"key": 6, "value": 37}],
    ["/db?wait_ms=50&key=7", {"key": 7, "value": 50}],
    ["/db?wait_ms=50&key=8", {"key": 8, "value": 65}],
    ["/db?wait_ms=50&key=9", {"key": 9, "value": 82}],
    ["/db?wait_ms=50&key=10", {"key": 10, "value": 101}],
    ["/db?wait_ms=50&key=11", {"key": 11, "value": 122}],
    ["/db?wait_ms=50&key=12", {"key": 12, "value": 145}],
    ["/db?wait_ms=50&key=13", {"key": 13, "value": 170}],
    ["/db?wait_ms=50&key=14", {"key": 14, "value": 197}],
    ["/db?wait_ms=50&key=15", {"key": 15, "value": 226}],
    ["/db?wait_ms=50&key=16", {"key": 16, "value": 257}],
]


class Db(BenchUser):
    @task
    def db(self) -> None:
        self.ask(*random.choice(REQUESTS))
