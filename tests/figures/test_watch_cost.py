"""What it costs an app to be watched while nothing blocks: under 2 % of the throughput of FastAPI's smallest route.

One server is asked in short bursts, in turns watched and not watched: two processes of the same server differ by up to
8 %, because of where their memory lies. Its thread is ended and begun anew for that. While it is off, one more call is
left for each request.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import exp, log
from pathlib import Path
from statistics import mean, median, stdev
from typing import NamedTuple

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
ANSWERS = 1_600
PAIRS = 60
BOOTS = 2
T_95 = 1.98  # Student's t, for 119 degrees of freedom

WATCHED = (
    SMALLEST
    + """
import gc
from bench_inside.watch import Watch
from bench_inside.watched import Watched

@app.get("/watch/{on}")
async def watch(on: bool):
    watched = next(each for each in gc.get_objects() if type(each) is Watched)
    watched._watch.end()
    if on:
        watched._watch = Watch(watched._requests, watched._lines)
        watched._watch.look_less_often()
    return on
"""
)


class Cost(NamedTuple):
    """Of one answer."""

    cpu_s: float
    wall_s: float


@contextmanager
def server(folder: Path) -> Iterator[Callable[[bool], Cost]]:
    """Gives a function that measures one burst, watched or not."""
    folder.mkdir()
    (folder / "smallest.py").write_text(WATCHED)
    options = ServerOptions(loop="uvloop", http="httptools")
    target = Target(name="smallest", app="smallest:app", folder=folder, server=options, health=OWN_HEALTH)
    with Server.launch(
        target, probe_dir=folder / "probe", log_path=folder / "server.log", watch_dir=folder / "watch"
    ) as launched:
        launched.wait_ready(60.0)
        tree = ProcessTree(platform_source(), launched.supervisor_pid)

        def burst(is_watched: bool, answers: int = ANSWERS) -> Cost:
            with urllib.request.urlopen(f"http://127.0.0.1:{launched.port}/watch/{is_watched}", timeout=10) as said:
                assert said.read() == str(is_watched).lower().encode()
            rounds = iter(range(answers // CONNECTIONS))
            began_s, before_s = time.monotonic(), tree.read(discover=True).cpu_s
            made = ask(launched.port, "/", CONNECTIONS, lambda: next(rounds, None) is not None)
            return Cost((tree.read(discover=True).cpu_s - before_s) / made, (time.monotonic() - began_s) / made)

        burst(True, 4_000)  # warm, and past the requests that are told apart
        yield burst


@pytest.mark.measures
def test_to_be_watched_costs_less_than_a_fiftieth_of_the_throughput(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs: list[tuple[Cost, Cost]] = []
    for boot in range(BOOTS):
        with server(tmp_path / str(boot)) as burst:
            for turn in range(PAIRS):
                first = burst(bool(turn % 2))
                second = burst(not turn % 2)
                pairs.append((second, first) if turn % 2 else (first, second))
    with capsys.disabled():
        print(f"\nan answer of FastAPI's smallest route, watched and not: {len(pairs)} pairs of {ANSWERS:,} answers")
        cpu_low, cpu_high = interval("CPU time", [(bare.cpu_s, watched.cpu_s) for bare, watched in pairs])
        wall_low, _ = interval("duration", [(bare.wall_s, watched.wall_s) for bare, watched in pairs])
    assert cpu_high - cpu_low < 0.03  # else it says nothing
    assert cpu_high < 1.02
    assert wall_low < 1.02


def interval(what: str, pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """Of watched over not watched, with 95 % confidence."""
    ratios = [log(watched / bare) for bare, watched in pairs]
    half = T_95 * stdev(ratios) / len(ratios) ** 0.5
    low, high = exp(mean(ratios) - half), exp(mean(ratios) + half)
    print(
        f"  {what}: {median(bare for bare, _ in pairs) * 1e6:.1f} us, x{exp(mean(ratios)):.4f} [{low:.4f}, {high:.4f}]"
    )
    return low, high
