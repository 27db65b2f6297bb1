"""Where nobody is answered there is no figure, no winner and no tie; who was overloaded in some slices says so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.analysis.analyse import analyse
from harness.analysis.evidence import Analysis, Cell
from harness.results.records.phase_record import PhaseStatus
from harness.results.store import Run
from tests.bench_kit import TINY, Project
from tests.integration.test_findings import assert_found
from tests.peculiar_targets import GETS_STUCK_ONCE

# Each request holds a thread while it waits for a coroutine that needs another one: four at once never end. It begins
# to wait when all users have come: they come one after the other, and the first would get an answer.
WAITS_FOR_ITSELF = '''"""A thread that waits for a thread"""

import time
from contextlib import asynccontextmanager

import anyio.from_thread
import anyio.to_thread
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool


@asynccontextmanager
async def lifespan(app):
    anyio.to_thread.current_default_thread_limiter().total_tokens = 4
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health():
    return {"status": "ok"}


async def inner(wait_ms):
    await run_in_threadpool(time.sleep, wait_ms / 1e3 + 0.002)


@app.get("/io")
def io(wait_ms: int, key: int):
    time.sleep(0.08)
    anyio.from_thread.run(inner, wait_ms)
    return {"key": key, "value": key * key + 1}
'''


def cell(analysis: Analysis, variant: str) -> Cell:
    return next(each for each in analysis.cells if each.variant == variant)


def analysis_of(project: Project) -> Analysis:
    project.assert_nothing_is_left()
    return analyse(Run.open(project.run_folder))


def test_a_workload_on_which_nobody_answers_has_no_winner_and_exits_3(tmp_path: Path) -> None:
    project = Project(tmp_path, [], TINY)
    project.target("waits_for_itself", WAITS_FOR_ITSELF)
    ended = project.run("--json")
    assert ended.code == 3, ended.err
    assert "no decision: io: no strategy gave a right answer" in ended.err
    summary = json.loads(ended.out)
    assert summary["decisions"] == []
    assert summary["undecided"][0]["nobody_answered"] is True
    found = analysis_of(project)
    assert Run.open(project.run_folder).read().rates_rps == {"io": {}}
    assert [each.capacity for each in found.cells] == [None]
    assert found.comparisons == ()
    assert len(found.slices) == 2, "there is no slice of a rate, since no rate is known"
    for slice in found.slices:
        assert_found(slice.findings, "no_answer", "invalid")
        (finding,) = (finding for finding in slice.findings if finding.code == "no_answer")
        assert re.search(r"not one right answer came in its 0\.\d+ s", finding.message)
    page = (project.run_folder / "report.html").read_text()
    assert "No decision: no strategy gave a right answer" in page
    again = project.bench("report", str(project.run_folder))
    assert "| io | none |" in again.out


def test_a_strategy_that_waits_for_itself_is_in_no_ranking(tmp_path: Path) -> None:
    project = Project(tmp_path, ["sync_def"], TINY)
    project.target("waits_for_itself", WAITS_FOR_ITSELF)
    ended = project.run()
    assert ended.code == 3
    assert "problem: waits_for_itself on io: no valid data" in ended.err
    found = analysis_of(project)
    stuck = cell(found, "waits_for_itself")
    assert (stuck.capacity, stuck.without_answer) == (None, 1)
    if cell(found, "sync_def").capacity is None:
        pytest.skip(f"the machine disturbed the only other slice: {ended.err}")
    (decision,) = found.decisions
    assert (decision.best, decision.tied) == ("sync_def", ())


@pytest.mark.measures
def test_one_slice_of_two_that_got_through_does_not_stand_for_the_cell(tmp_path: Path) -> None:
    rates = "rates = [{ percent = 30, duration_s = 2.0 }, { percent = 50, duration_s = 1.0 }]"
    profile = TINY.replace("rates = [{ percent = 30, duration_s = 0.4 }]", rates).replace(
        "sessions = 1", "sessions = 2"
    )
    project = Project(tmp_path, [], profile)
    project.target("gets_stuck_once", GETS_STUCK_ONCE)
    ended = project.run()
    assert "rate-50 skipped" in ended.out, ended.out
    found = analysis_of(project)
    stuck = cell(found, "gets_stuck_once")
    if stuck.valid_slices < 6:
        pytest.skip(f"the machine disturbed a slice: {ended.err}")
    skipped = stuck.phases["rate-50"]
    assert skipped.statuses == {PhaseStatus.COMPLETE: 1, PhaseStatus.SKIPPED: 1}
    assert (skipped.overloaded, skipped.goodput_rps) == (1, None)
    assert skipped.response_p90 is not None and skipped.response_p90.at_least
    assert stuck.phases["rate-30"].overloaded == 1
    page = (project.run_folder / "report.html").read_text()
    assert "overloaded in 1 of 2" in page
    rows = [line.split(",") for line in (project.run_folder / "summary.csv").read_text().splitlines()]
    of_skipped = [row for row in rows if "skipped" in row]
    assert len(of_skipped) == 1 and "overloaded" in of_skipped[0]
