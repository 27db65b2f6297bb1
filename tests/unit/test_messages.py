"""Every message that a person reads, made once with real values: it must be able to be true, and read as a sentence.

`pytest tests/unit/test_messages.py -s` prints them all, to be read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import msgspec
import pytest
from rich.console import Console

from harness.analysis.decisions import decisions, undecided
from harness.analysis.evidence import Analysis, Cell, Undecided
from harness.analysis.regression import compare_runs
from harness.analysis.shortfalls import shortfalls
from harness.cli.display import Display
from harness.judging.validity import RULES
from harness.report import banner, exports, standing
from harness.results.records.finding import Finding
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseStatus
from harness.results.records.run_record import Preflight
from tests import handmade_analysis as handmade
from tests.made_slices import phase, slice
from tests.unit import test_validity

PLURALS = "slice|request|boot|server|session|user|worker|answer|error|timeout|round|workload|variant|call|process|CPU"
Said = tuple[str, str]  # where it is said, and the words


def of_findings() -> Iterator[Said]:
    for name, (rule, given) in {**test_validity.INVALID, **test_validity.INFO}.items():
        found = rule(given)
        assert found is not None
        yield f"{found.code} ({name})", found.message
        yield f"{found.code} ({name})", found.advice


def with_cells(*cells: Cell) -> Analysis:
    good = handmade.analysis()
    return msgspec.structs.replace(good, cells=cells + good.cells[len(cells) :])


def odd_runs() -> Iterator[Analysis]:
    """Each is wrong in another way."""
    good = handmade.analysis()
    first, *rest = good.slices
    silent = tuple(msgspec.structs.replace(cell, without_answer=3, capacity=None, phases={}) for cell in good.cells)
    nobody = Undecided(workload="io", reason="no strategy gave a right answer", nobody_answered=True)
    yield msgspec.structs.replace(good, slices=(), run=msgspec.structs.replace(good.run, finished_epoch_s=None))
    yield msgspec.structs.replace(good, slices=(), broken=("boot.json: was cut off",))
    yield msgspec.structs.replace(good, cells=silent, decisions=(), undecided=(nobody,))
    yield with_cells(silent[0])
    yield with_cells(msgspec.structs.replace(good.cells[0], status="failed", error="exited with 7", capacity=None))
    yield with_cells(msgspec.structs.replace(good.cells[0], capacity=handmade.estimate(100.0, 1)))
    yield handmade.analysis(rounds=1)
    yield handmade.analysis(rounds=2)
    for rule in RULES:
        finding = Finding(rule.__name__, "invalid", "a test says so", "none")
        spoilt = handmade.slice(first.record.spec, findings=(finding,))
        yield msgspec.structs.replace(good, slices=(spoilt, *rest))
        yield msgspec.structs.replace(
            good, slices=(spoilt, *(handmade.slice(t.record.spec, error="died") for t in rest))
        )
    for code in ("not_quiet", "throttled", "cost_unknown", "idle_unknown"):
        said = Finding(code, "info", "a test says so", "none")
        yield msgspec.structs.replace(good, slices=(handmade.slice(first.record.spec, findings=(said,)), *rest))
    yield msgspec.structs.replace(good, slices=(handmade.slice(first.record.spec, steal_percent=12.0), *rest))


def of_runs() -> Iterator[Said]:
    good = handmade.analysis()
    for run in odd_runs():
        yield from (("banner", line) for line in banner.warnings(run))
        yield from (("problem", line) for line in shortfalls(run))
        yield from (("Markdown", line) for line in exports.markdown_summary(run).splitlines() if line[:1] not in "|")
        yield from (("terminal", line) for line in exports.terminal_summary(run, 400).splitlines())
        yield from (("no decision", each.reason) for each in undecided(run.run, run.cells, ()))
        yield from (("no gain", each.no_gain_because) for each in decisions(run.run, run.slices, run.cells, ()))
        yield from (("compare", row.line()) for row in compare_runs(good, run, 10.0))
        yield from (("compare", row.line()) for row in compare_runs(run, good, 10.0))


def of_phases() -> Iterator[Said]:
    cell, valid = handmade.cell("sync_def", "io"), handmade.analysis().slices
    outcomes = {Outcome.OK: 40, Outcome.HTTP_ERROR: 1, Outcome.TIMEOUT: 90, Outcome.NOT_SENT: 30}
    for status in PhaseStatus:
        for many in (1, 3):
            statuses = {status: many, PhaseStatus.COMPLETE: 3}
            for goodput_rps in (None, 0.4):
                made = handmade.cell_phase(
                    "rate-30", statuses=statuses, overloaded=many, outcomes=outcomes, goodput_rps=goodput_rps
                )
                yield f"phase {status}", ", ".join(standing.phase_notes(cell, made, valid))
    yield "cell", standing.cell_note(msgspec.structs.replace(cell, valid_slices=2, without_answer=1))


def of_the_display() -> Iterator[Said]:
    text = io.StringIO()
    one = slice("sync_def", 1, phase(0.0, outcomes={Outcome.NOT_SENT: 9}), phase(3.0, outcomes={Outcome.HTTP_ERROR: 1}))
    with Display(Console(file=text, width=400)) as shown:
        shown.preflight_began(1, 1)
        shown.preflight_done(Preflight("sync_def", "io", "failed", "exited with 7; its log says: no module"))
        shown.plan_ready([one.record.spec], 1, 59.0)
        shown.session_began("io", 1, 1)
        shown.sessions_added("io", ["pure_async"], 1)
        shown.sessions_added("io", ["pure_async", "fake_async"], 9)
        shown.slice_began(one.record.spec)
        shown.slice_ended(one.record)
        shown.slice_ended(slice(status="failed", error="exited with 7 during capacity").record)
    yield from (("display", line) for line in text.getvalue().splitlines())


def everything() -> list[Said]:
    said = [*of_findings(), *of_runs(), *of_phases(), *of_the_display()]
    return [(where, line) for where, line in dict.fromkeys(said) if line.strip()]


def test_every_message_can_be_true_and_reads_as_a_sentence() -> None:
    for where, line in everything():
        print(f"{where:<32} {line}")
        assert "\n" not in line, (where, line)
        assert not re.search(r"\b(None|nan|inf|True|False)\b|\{|\}", line), (where, line)
        assert not re.search(r"\b(\w+) \1\b", line), ("a word twice", where, line)
        if where != "compare":  # which has changes, with their sign
            assert not re.search(r"(?<![\w.])-\d", line), ("a negative figure", where, line)
            shares = [float(share.replace(",", "")) for share in re.findall(r"([\d,.]+) ?%", line)]
            assert all(share <= 100 for share in shares), ("more than everything", where, line)
        assert not re.search(rf"(?<![\d.,])1 (?:{PLURALS})(?:e?s)\b", line), ("one of many", where, line)
        assert not re.search(rf"(?<!of )(?<!/)\b(?:[02-9]|\d\d+) (?:{PLURALS})\b(?!/)", line), (
            "many of one",
            where,
            line,
        )


@pytest.mark.parametrize(
    "nonsense", ["goodput fell by 389% of its median", "1 slices", "12 timeout", "exited exited with 7"]
)
def test_this_test_would_see_nonsense(nonsense: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "everything", lambda: [("made up", nonsense)])
    with pytest.raises(AssertionError):
        test_every_message_can_be_true_and_reads_as_a_sentence()
