"""What it costs an app to be watched while nothing blocks: under 2 % of the throughput of FastAPI's smallest route.

Two servers of it are asked in turns, one of them watched, and the CPU time that each answer takes is compared: a rate
would be as noisy as the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from math import exp, log
from pathlib import Path
from statistics import mean, median, stdev

import pytest

from harness.inside.bench_inside.probe import OWN_HEALTH
from harness.results.records.strategy import ServerOptions
from harness.sampling.proc import platform_source
from harness.sampling.process_tree import ProcessTree
from harness.serving.server import Server
from harness.serving.target import Target
from tests.figures.test_probe_cost import SMALLEST
from tests.keep_alive import ask

CONNECTIONS = 16
REQUESTS = 4_000
ROUNDS = 15


@contextmanager
def server(folder: Path, *, is_watched: bool) -> Iterator[Callable[[], float]]:
    """Gives a function that measures, once, the CPU-seconds of an answer."""
    folder.mkdir()
    (folder / "smallest.py").write_text(SMALLEST)
    options = ServerOptions(loop="uvloop", http="httptools")
    target = Target(name="smallest", app="smallest:app", folder=folder, server=options, health=OWN_HEALTH)
    with Server.launch(
        target,
        probe_dir=folder / "probe",
        log_path=folder / "server.log",
        watch_dir=folder / "watch" if is_watched else None,
    ) as launched:
        launched.wait_ready(60.0)
        tree = ProcessTree(platform_source(), launched.supervisor_pid)

        def burst_s() -> float:
            rounds = iter(range(REQUESTS // CONNECTIONS))
            before_s = tree.read(discover=True).cpu_s
            answers = ask(launched.port, "/", CONNECTIONS, lambda: next(rounds, None) is not None)
            return (tree.read(discover=True).cpu_s - before_s) / answers

        burst_s()  # warm, and past the requests that are told apart
        yield burst_s


@pytest.mark.measures
def test_to_be_watched_costs_less_than_a_fiftieth_of_the_throughput(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        bare = stack.enter_context(server(tmp_path / "bare", is_watched=False))
        watched = stack.enter_context(server(tmp_path / "watched", is_watched=True))
        pairs = [(bare(), watched()) if turn % 2 else (watched(), bare())[::-1] for turn in range(ROUNDS)]
    ratios = [log(with_it / without) for without, with_it in pairs]
    half = 2.14 * stdev(ratios) / ROUNDS**0.5  # Student's t for 14 degrees of freedom
    low, high = exp(mean(ratios) - half), exp(mean(ratios) + half)
    with capsys.disabled():
        print(f"\nCPU time of an answer of FastAPI's smallest route, {ROUNDS} pairs of {REQUESTS:,} answers")
        print(f"  not watched {median(each for each, _ in pairs) * 1e6:6.1f} us")
        more = f"x{exp(mean(ratios)):.3f} [{low:.3f}, {high:.3f}]"
        print(f"  watched     {median(each for _, each in pairs) * 1e6:6.1f} us, {more}")
    assert low < 1.02
