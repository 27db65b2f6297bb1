"""Ties the load runner to Locust: `locust -f harness/driving/inside/plugin.py,scenarios/io.py --headless ...`.

Locust spawns the users, which wait at the gate; the harness then sends loads over the control socket. Options are
Locust's own (`init_command_line_parser`), so `locust --help` shows them.
"""

from __future__ import annotations

import gc
import os
import traceback
from pathlib import Path
from time import monotonic
from typing import Any

import gevent
import msgspec
from gevent import socket
from locust import events

from harness.driving.inside.batched_statistics import StatsInBatches
from harness.driving.inside.gate import Gate
from harness.driving.inside.load_runner import LoadRunner
from harness.driving.inside.protocol import (
    Abort,
    EndAt,
    GeneratorFailed,
    Quit,
    Ready,
    ToGenerator,
    ToHarness,
)
from harness.driving.inside.recorder import Recorder
from harness.driving.load import Load

_SPAWN_POLL_S = 0.005


@events.init_command_line_parser.add_listener
def _add_options(parser: Any) -> None:
    def add(option: str, kind: type, default: object, explanation: str) -> None:
        parser.add_argument(option, type=kind, default=default, include_in_web_ui=False, help=explanation)

    add("--bench-control-fd", int, -1, "socket to the harness, which sets both of these")
    add(
        "--bench-latency-log", str, "", "the .hlog to write where a load names no folder, with arrivals.jsonl beside it"
    )


@events.init.add_listener
def _begin(environment: Any, **_: Any) -> None:
    options = environment.parsed_options
    if options.bench_control_fd < 0:
        return
    environment.bench_gate = Gate()
    StatsInBatches(environment.stats)
    control = socket.socket(fileno=options.bench_control_fd)
    gevent.spawn(_serve, environment, control)


def _serve(environment: Any, control: socket.socket) -> None:
    """Obey the harness until it says Quit or is gone; this process then ends at once, since all data is on disk."""
    options = environment.parsed_options
    encoder, decoder = msgspec.json.Encoder(), msgspec.json.Decoder(ToGenerator)

    def tell(message: ToHarness) -> None:
        control.sendall(encoder.encode(message) + b"\n")

    try:
        latency_path = Path(options.bench_latency_log)
        recorder = Recorder(latency_path, monotonic())
        gate: Gate = environment.bench_gate
        runner = LoadRunner(gate, recorder, latency_path, tell)
        while gate.parked_users < options.num_users:
            gevent.sleep(_SPAWN_POLL_S)
        # What was imported stays; a full collection in the middle of a phase would be send lag.
        gc.collect()
        gc.freeze()
        tell(Ready(users=gate.parked_users))
        loading: gevent.Greenlet | None = None
        for line in control.makefile("rb"):
            message = decoder.decode(line)
            match message:
                case Load():
                    loading = gevent.spawn(_load, runner, message, tell)
                case Abort():
                    runner.abort()
                case EndAt(phase, at_s):
                    runner.end_at(phase, at_s)
                case Quit():
                    break
        if loading is not None:
            loading.kill()
        recorder.close()
    except Exception:  # noqa: BLE001 - whatever it is, the log must say it before the process ends
        traceback.print_exc()  # into locust.log
    finally:
        os._exit(0)


def _load(runner: LoadRunner, load: Load, tell: Any) -> None:
    try:
        tell(runner.run(load))
    except Exception as error:  # noqa: BLE001 - as above, and the harness must hear of it
        traceback.print_exc()
        tell(GeneratorFailed(f"{type(error).__name__}: {error}"))
