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
from math import ceil, floor
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest

from harness.inside.bench_inside.probe import OWN_HEALTH
from harness.results.records.strategy import ServerOptions
from harness.serving.server import Server
from harness.serving.target import Target
from tests.figures.test_probe_cost import SMALLEST
from tests.keep_alive import ask

CONNECTIONS = 16
ANSWERS = 320  # short: the machine's speed changes within a second
PAIRS = 200
BOOTS = 2
SETTLED_S = 0.06  # a thread that has just begun does more at first

WATCHED = (
    SMALLEST
    + """
import gc, time
from bench_inside.watch import Watch
from bench_inside.watched import Watched

@app.get("/cpu")
async def cpu():
    return time.process_time()

@app.get("/watch/{on}")
async def watch(on: bool):
    global watched
    if watched is None:
        watched = next(each for each in gc.get_objects() if type(each) is Watched)
    watched._watch.end()
    if on:
        watched._watch = Watch(watched._requests, watched._lines)
        watched._watch.look_less_often()

watched = None
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

        def said(path: str) -> bytes:
            with urllib.request.urlopen(f"http://127.0.0.1:{launched.port}{path}", timeout=10) as answer:
                return bytes(answer.read())

        def burst(is_watched: bool, answers: int = ANSWERS) -> Cost:
            said(f"/watch/{is_watched}")
            time.sleep(SETTLED_S)
            rounds = iter(range(answers // CONNECTIONS))
            before_s, began_s = float(said("/cpu")), time.monotonic()
            made = ask(launched.port, "/", CONNECTIONS, lambda: next(rounds, None) is not None)
            wall_s = time.monotonic() - began_s
            return Cost((float(said("/cpu")) - before_s) / made, wall_s / made)

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
        wall_low, wall_high = interval("duration", [(bare.wall_s, watched.wall_s) for bare, watched in pairs])
    assert max(cpu_high - cpu_low, wall_high - wall_low) < 0.03  # else it says nothing
    assert cpu_high < 1.02
    assert wall_high < 1.02


def interval(what: str, pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """Of the median of watched over not watched, with 95 % confidence: by the order of the ratios, whatever their
    distribution is (a sign test)."""
    ratios = sorted(watched / bare for bare, watched in pairs)
    reach = 0.98 * len(ratios) ** 0.5
    low, high = ratios[floor(len(ratios) / 2 - reach)], ratios[ceil(len(ratios) / 2 + reach)]
    print(f"  {what}: {median(bare for bare, _ in pairs) * 1e6:.1f} us, x{median(ratios):.4f} [{low:.4f}, {high:.4f}]")
    return low, high
