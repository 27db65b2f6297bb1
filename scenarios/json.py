"""100 orders of a pydantic model, validated and serialised: 42 kB of JSON

The CPU work that people do not know they do: an endpoint that only returns rows has them validated by its
`response_model` and written as JSON, with the GIL held. In an `async def` all of that happens on the event loop, in a
`def` the writing still does. Nothing waits.
"""

import random

from locust import task

from harness.scenario import BenchUser

WAIT_MS = 0
CALLS = 0

# Each request and the SHA-256 of its only right answer, as canonical JSON; all strategies must give it.
REQUESTS = [
    ["/json?items=100&key=1", None, "49266b2f991e1dde6595c9228dbce481a838f6341b7e979cb74bae9290cd618d"],
    ["/json?items=100&key=2", None, "68ea4b098a95e6617ab55b95f721c360ac80e1901c47eb9d47beb2d156557e4d"],
    ["/json?items=100&key=3", None, "21977f8bc4d6aad16f1f3fb4a3259b938c461dce893e4a76df3ecda1a32908c5"],
    ["/json?items=100&key=4", None, "a067db2454be60a1cf8d1d75cb4289afa892a21b0fea81b2459cb7d0345182bc"],
    ["/json?items=100&key=5", None, "1370e16cdc1892ba55470aa3073a7c85adf86bc750d77ab410f04d26a8eac839"],
    ["/json?items=100&key=6", None, "6d1e2d14b9d62a36c17f2e4cec9c6f8a9ca1725d4bc49c0d60f4462156edb476"],
    ["/json?items=100&key=7", None, "e0da436abce852d96a7dd8fe02226691c3c924866688e9f2ddb68f5b82f8a5f3"],
    ["/json?items=100&key=8", None, "b7f72b084a6669350a96f2394984eb1bf5cabc534f80a3b91eeee30a6a406755"],
]


class Json(BenchUser):
    @task
    def json(self) -> None:
        self.ask(*random.choice(REQUESTS))
