"""The upstream is not the bottleneck: it answers 3,000 requests with a second of CPU time."""

from __future__ import annotations

import asyncio
import os
from time import monotonic

import pytest

from tests.bare_server import bare_upstream
from tests.integration.test_upstream import ROOT, ask_many


@pytest.mark.measures
def test_it_answers_three_thousand_requests_a_second_on_part_of_a_core() -> None:
    with bare_upstream(ROOT) as server:
        (process,) = server.seen.values()
        asyncio.run(ask_many(server.port, "ms=20&key=1", connections=128, each=1))
        before = process.cpu_times()
        began_s = monotonic()
        answers = len(asyncio.run(ask_many(server.port, "ms=20&key=1", connections=128, each=150)))
        elapsed_s = monotonic() - began_s
        after = process.cpu_times()
    cpu_s = after.user + after.system - before.user - before.system
    # CPU time rather than the clock: what the generator or a neighbour takes does not count against it.
    assert answers / cpu_s > 3000, f"{answers} answers took {cpu_s:.2f} s of CPU, {elapsed_s:.2f} s in all"
    print(f"{answers / elapsed_s:.0f} answers/s, {answers / cpu_s:.0f} per CPU-second, {os.cpu_count()} cores")
