"""One generator of a speed comparison, alone in a process: how many requests it makes, and the CPU time for them.

    python tests/generator_race.py ours|stock PORT SECONDS USERS     # prints one JSON object

"ours" is a `BenchUser` under the gate, the load runner and the recorder, with Locust's statistics fed as in a slice;
"stock" is a `FastHttpUser`.
Both run as Locust users with all of Locust's own listeners; ours also checks each answer. What is counted are the
requests in Locust's own statistics: `events.request` was fired for each.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from time import monotonic, process_time
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as `LocalGenerator` does

import gevent
import locust.stats
from locust import FastHttpUser, constant, task
from locust.env import Environment

from harness.driving.inside.batched_statistics import StatsInBatches
from harness.driving.inside.gate import Gate
from harness.driving.inside.load_runner import LoadRunner
from harness.driving.inside.recorder import Recorder
from harness.driving.load import Load
from harness.results.records.phase_record import PhaseKind, PhaseSpec
from harness.scenario import BenchUser

_SETTLE_S = 0.3


class Ours(BenchUser):
    @task
    def ask_once(self) -> None:
        self.ask("/", {"right": True})


class Stock(FastHttpUser):
    wait_time = constant(0)

    @task
    def ask_once(self) -> None:
        self.client.get("/")


def race(contestant: str, port: int, seconds: float, users: int) -> dict[str, Any]:
    user_class = {"ours": Ours, "stock": Stock}[contestant]
    environment = Environment(user_classes=[user_class], host=f"http://127.0.0.1:{port}")
    gate = Gate()
    if contestant == "ours":
        environment.bench_gate = gate
        StatsInBatches(environment.stats)
    runner = environment.create_local_runner()
    gevent.spawn(locust.stats.stats_history, runner)
    runner.start(users, spawn_rate=100 if contestant == "stock" else users)
    runner.spawning_greenlet.join()
    if contestant == "ours":
        gevent.spawn(_conduct, gate, port, seconds, users)
    gevent.sleep(_SETTLE_S)
    before = environment.stats.num_requests, monotonic(), process_time()
    gevent.sleep(seconds)
    after = environment.stats.num_requests, monotonic(), process_time()
    requests, wall_s, cpu_s = (b - a for a, b in zip(before, after, strict=True))
    return {"requests": requests, "wall_s": wall_s, "cpu_s": cpu_s, "failures": environment.stats.num_failures}


def _conduct(gate: Gate, port: int, seconds: float, users: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "latency.hlog", monotonic())
        runner = LoadRunner(gate, recorder, Path(folder) / "latency.hlog", lambda event: None)
        phase = PhaseSpec(name="race", kind=PhaseKind.CAPACITY, duration_s=seconds + 2 * _SETTLE_S, users=users)
        runner.run(Load(("127.0.0.1", port), (phase,), 1.0, 10.0, 25.0))


if __name__ == "__main__":
    print(json.dumps(race(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))), flush=True)
    os._exit(0)  # the users never end by themselves
